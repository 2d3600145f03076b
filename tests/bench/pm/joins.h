// SPDX-License-Identifier: GPL-2.0-or-later
// tests/bench/bpf/joins.bpf.c, loaded: when the clients' sessions are joined.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "bpf/handles.h"
#include "bpf/joins.h"

namespace tcpopt::bench {

class Joins {
 public:
  /// @param directory of the object files
  static Result<Joins> watch(const std::filesystem::path& directory);

  /// Subflows that joined since watch().
  [[nodiscard]] Result<std::uint64_t> count() const;

  /// The sessions that were established since the last call.
  [[nodiscard]] Result<std::vector<bench_session>> take() const;

 private:
  struct LinkDeleter {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
  };

  explicit Joins(ObjectHandle object) : object_(std::move(object)) {}

  ObjectHandle object_;
  std::vector<std::unique_ptr<bpf_link, LinkDeleter>> links_;
  int sessions_ = -1, counts_ = -1;
};

}  // namespace tcpopt::bench
