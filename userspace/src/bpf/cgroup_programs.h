// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/cgroup.h"

namespace tcpopt {

/// A sock_ops program, attached by whomever.
struct ForeignProgram {
  std::uint32_t id = 0;
  std::string name;
  std::string cgroup;  ///< where it is attached
};

/// The program of a cgroup above that runs in @p cgroup until another one is attached
/// to that (BPF_F_ALLOW_OVERRIDE), or nothing. The kernel says nothing of it.
/// Errors: the kernel does not tell what is attached.
[[nodiscard]] Result<std::optional<ForeignProgram>> overridden_by_attaching(const Cgroup& cgroup);

/// The programs of @p cgroup and of those above it, in the order in which they run.
/// Errors: the kernel does not tell what is attached.
[[nodiscard]] Result<std::vector<ForeignProgram>> programs_on(const Cgroup& cgroup);

}  // namespace tcpopt
