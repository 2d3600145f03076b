// SPDX-License-Identifier: GPL-2.0-or-later
// Netlink sockets, through libmnl. They belong to the network namespace of the
// thread that opens them, and keep it alive.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.h"

namespace tcpopt {

class NetlinkSocket {
 public:
  /// For requests, with an end to waiting for the answer.
  /// @param protocol NETLINK_ROUTE, ...
  static Result<NetlinkSocket> for_requests(int protocol);
  /// For notifications; never waits.
  /// @param groups the sum of RTMGRP_...
  static Result<NetlinkSocket> for_notifications(int protocol, unsigned groups);

  [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }

  /// Asks with NLM_F_DUMP, and hands each message of the answer to @p each until
  /// that returns false; whoever ends it early cannot use the socket again.
  /// Returns false if what is listed changed meanwhile, and the list may be wrong.
  /// @param type of the request, RTM_GETLINK, ...
  /// @param body puts what follows its header
  [[nodiscard]] Result<bool> dump(std::uint16_t type, const std::function<void(nlmsghdr*)>& body,
                                  const std::function<bool(const nlmsghdr&)>& each);

  /// Throws away the notifications that are there. Returns whether there were any;
  /// those that the kernel had no room for (ENOBUFS) count.
  [[nodiscard]] Result<bool> drain() const;

 private:
  struct Closer {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  using Handle = std::unique_ptr<mnl_socket, Closer>;

  explicit NetlinkSocket(Handle socket) : socket_(std::move(socket)) {}
  static Result<NetlinkSocket> open(int protocol, int flags, unsigned groups);

  Handle socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace tcpopt
