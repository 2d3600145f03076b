// SPDX-License-Identifier: GPL-2.0-or-later
// What the maps of an object mean: its parameters and counters.
#pragma once

#include <bpf/btf.h>

#include <optional>
#include <vector>

#include "base/error.h"
#include "params/local_addrs.h"
#include "params/schema.h"

namespace tcpopt {

struct Interface {
  Schema schema;
  std::vector<Counter> counters;
  bool claims_sessions = false;           ///< it is a path manager
  std::optional<LocalAddrs> local_addrs;  ///< what the daemon is to fill, if anything
};

/// A list longer than this would not fit into a message between daemon and tcpoptctl.
inline constexpr std::uint32_t kMaxListEntries = 1024;

/// Reads it from the types of the object file. Those that the kernel keeps will
/// not do: a kernel that knows no declaration tags (before 5.16) is given the
/// types without them.
/// Errors: a `params`, `stats` or tagged map that is not as bpf-progs/tcpopt_param.h
/// and tcpopt_addr.h have it.
[[nodiscard]] Result<Interface> read_interface(const btf& types);

}  // namespace tcpopt
