// SPDX-License-Identifier: GPL-2.0-or-later
// The maps of one attachment that hold its parameters.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "params/lists.h"
#include "params/schema.h"

namespace tcpopt {

class ParameterMaps {
 public:
  /// @param find hands out a descriptor of the map of that name
  static Result<ParameterMaps> open(
      const Schema& schema, const std::function<Result<UniqueFd>(const std::string&)>& find);

  [[nodiscard]] Result<Values> read() const;

  /// All of it or, if the kernel refuses a part, what was there before. The
  /// lists come first, `params` with its generation last.
  /// A program running meanwhile finds each entry of a list that is in the old
  /// and in the new one, and each 8-byte word of `params` old or new.
  [[nodiscard]] Status write(const Values& wanted) const;

 private:
  ParameterMaps() = default;

  [[nodiscard]] Status write_parts(const Values& wanted) const;

  UniqueFd scalars_;
  std::size_t scalars_size_ = 0;
  struct List {
    UniqueFd fd;
    EntrySize size;
  };
  std::map<std::string, List> lists_;  // by name of the map
};

}  // namespace tcpopt
