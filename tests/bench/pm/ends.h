// SPDX-License-Identifier: GPL-2.0-or-later
// Where sockets are made: a client and a server, each with a network namespace
// and a cgroup of its own. tests/bench/pm/guest.py makes both.
#pragma once

#include <netinet/in.h>

#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "kernel/cgroup.h"

namespace tcpopt::bench {

class End {
 public:
  /// @param name of the namespace in /run/netns and of the cgroup
  static Result<End> open(const std::string& name);

  /// A socket of MPTCP, non-blocking, that belongs to this end.
  [[nodiscard]] Result<UniqueFd> mptcp_socket() const;

 private:
  End(UniqueFd netns, Cgroup cgroup) : netns_(std::move(netns)), cgroup_(std::move(cgroup)) {}

  UniqueFd netns_;
  Cgroup cgroup_;
};

/// The server's address; the client's are the system's choice.
[[nodiscard]] sockaddr_in server_address();

/// A socket of @p server that takes @p backlog connections at once.
[[nodiscard]] Result<UniqueFd> listen_at(const End& server, int backlog);

}  // namespace tcpopt::bench
