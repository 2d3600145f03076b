// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "bpf/object.h"
#include "params/algorithms.h"

namespace tcpopt {

/// The programs that there are, each read when it is first asked for.
class Catalog {
 public:
  explicit Catalog(std::vector<std::filesystem::path> directories)
      : directories_(std::move(directories)) {}

  /// Errors: those of find_program() and Object::open().
  [[nodiscard]] Result<const Description*> find(const std::string& name);

  /// What the kernel offers to choose from. Where it does not say, as on a machine
  /// that a policy is only written on: all that there can be.
  [[nodiscard]] const Offered& offered();

 private:
  std::vector<std::filesystem::path> directories_;
  std::map<std::string, Result<Description>> read_;
  Offered offered_;
};

}  // namespace tcpopt
