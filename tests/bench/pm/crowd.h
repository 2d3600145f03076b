// SPDX-License-Identifier: GPL-2.0-or-later
// MPTCP sessions that are opened at once, both ends in this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "pm/ends.h"

namespace tcpopt::bench {

class Crowd {
 public:
  /// Makes the clients' sockets, which is not a path manager's work.
  /// @param listener of the server; must outlive the sessions' opening
  static Result<Crowd> make(const End& client, const UniqueFd& listener, std::size_t sessions);

  /// Connects all, and has each send a byte and get one back. Returns when the
  /// last one did.
  Status open();

  /// Sessions that have @p wanted established subflows at the client, the first
  /// one included, by what the kernel says of its sockets.
  [[nodiscard]] Result<std::size_t> with_subflows(std::size_t wanted) const;

 private:
  enum class Role : std::uint32_t { Listener, Client, Server };

  explicit Crowd(int listener) : listener_(listener) {}

  Status watch(int operation, int fd, std::uint32_t events, Role role) const;
  Status connect_all();
  Status accept_all();
  Status ask(int fd) const;
  Status answer(int fd) const;
  Status take_answer(int fd);
  Status handle(int fd, std::uint32_t events, Role role);

  int listener_;
  UniqueFd epoll_;
  std::vector<UniqueFd> clients_, servers_;
  std::size_t answered_ = 0;
};

}  // namespace tcpopt::bench
