// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>

#include "base/error.h"

namespace tcpopt {

/// Whether a TCP connection of one of @p cgroups (their ids) is in the network
/// namespace of the calling thread. Listeners and TIME-WAIT are none.
/// Errors: the kernel cannot list sockets (CONFIG_INET_DIAG).
[[nodiscard]] Result<bool> has_connection(const std::set<std::uint64_t>& cgroups);

}  // namespace tcpopt
