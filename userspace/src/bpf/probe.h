// SPDX-License-Identifier: GPL-2.0-or-later
// Asks the kernel what it offers by giving it tiny programs to load.
#pragma once

#include <linux/bpf.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tcpopt {

enum class Support {
  Yes,
  No,
  Denied,  ///< this process may not ask: a privilege is missing
};

struct Finding {
  Support support = Support::No;
  std::string detail;  ///< the kernel's words, for those who look closer
};

/// A program that loads if, and only if, the kernel has what it uses.
struct ProbeProgram {
  bpf_prog_type type = BPF_PROG_TYPE_SOCK_OPS;
  bpf_attach_type attach_type = BPF_CGROUP_SOCK_OPS;
  /// Of a BPF iterator: what it walks, as in SEC("iter/NAME").
  const char* iterator = nullptr;
  /// Kernel functions; their BTF ids are put into the kfunc calls
  /// (insn::call_kfunc), one into each, in order.
  std::vector<const char*> kfuncs;
  /// Puts a socket storage map into each insn::load_map.
  bool needs_storage = false;
  std::vector<bpf_insn> instructions;
};

[[nodiscard]] Finding probe(const ProbeProgram& program);

/// Pinnable links on cgroups. Asks with a descriptor that is none, so that
/// nothing is attached anywhere.
[[nodiscard]] Finding probe_cgroup_link();
/// Whether a cgroup takes sock_ops programs at all; asks the same way.
[[nodiscard]] Finding probe_cgroup_sockops();
/// Whether the kernel's own types have an enumerator @p name, of whatever enum.
[[nodiscard]] Finding probe_enumerator(std::string_view name);
/// The kernel's own types, for CO-RE and iterators.
[[nodiscard]] Finding probe_kernel_btf();

}  // namespace tcpopt
