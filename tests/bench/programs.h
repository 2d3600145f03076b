// SPDX-License-Identifier: GPL-2.0-or-later
// BPF programs of the benchmark, attached for as long as a case lasts.
#pragma once

#include <bpf/libbpf.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "bpf/handles.h"
#include "bpf/option.h"
#include "cases.h"
#include "kernel/cgroup.h"

namespace tcpopt::bench {

struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

class Attached {
 public:
  /// Loads @p program from @p directory and attaches it to @p cgroup.
  static Result<Attached> attach(const std::filesystem::path& directory, const Program& program,
                                 const Cgroup& cgroup);

  /// What it counted so far.
  [[nodiscard]] Result<bench_counts> counts() const;

 private:
  explicit Attached(ObjectHandle object) : object_(std::move(object)) {}

  ObjectHandle object_;
  std::unique_ptr<bpf_link, LinkDeleter> link_;
};

/// Whether the running kernel has a function of that name, by its BTF.
[[nodiscard]] Result<bool> kernel_has(std::string_view function);

}  // namespace tcpopt::bench
