// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace tcpopt {

namespace {

// What the kernel packs into one datagram of a dump at most.
constexpr std::size_t kDatagram = 32UL * 1024;
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};
// Datagrams taken in one go: notifications may come as fast as they are read.
constexpr int kMostDrained = 256;

/// What one message of an answer means for the rest of it.
enum class Answer { More, End };

Result<Answer> take(const nlmsghdr& message, const std::function<bool(const nlmsghdr&)>& each) {
  switch (message.nlmsg_type) {
    case NLMSG_DONE: {
      int error = 0;
      if (mnl_nlmsg_get_payload_len(&message) >= sizeof(error)) {
        std::memcpy(&error, mnl_nlmsg_get_payload(&message), sizeof(error));
      }
      return error == 0 ? Result<Answer>(Answer::End) : fail_errno(error, "netlink");
    }
    case NLMSG_ERROR: {
      const auto* const error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message));
      return fail_errno(error->error, "netlink");
    }
    case NLMSG_NOOP:
      return Answer::More;
    default:
      return each(message) ? Answer::More : Answer::End;
  }
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(int protocol, int flags, unsigned groups) {
  Handle socket(mnl_socket_open2(protocol, SOCK_CLOEXEC | flags));
  if (!socket || mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) != 0) {
    return fail_errno(errno, "netlink socket");
  }
  return NetlinkSocket(std::move(socket));
}

Result<NetlinkSocket> NetlinkSocket::for_requests(int protocol) {
  auto opened = open(protocol, 0, 0);
  if (opened && setsockopt(opened->fd(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience))) {
    return fail_errno(errno, "netlink socket");
  }
  return opened;
}

Result<NetlinkSocket> NetlinkSocket::for_notifications(int protocol, unsigned groups) {
  return open(protocol, SOCK_NONBLOCK, groups);
}

Result<bool> NetlinkSocket::dump(std::uint16_t type, const std::function<void(nlmsghdr*)>& body,
                                 const std::function<bool(const nlmsghdr&)>& each) {
  std::vector<char> buffer(kDatagram);
  auto* const request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = type;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = ++sequence_;
  body(request);
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) {
    return fail_errno(errno, "netlink");
  }
  bool consistent = true;
  for (;;) {
    const auto size = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return fail_errno(errno, "netlink");
    }
    auto left = static_cast<int>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_seq != sequence_) {
        continue;  // of an earlier answer that was given up
      }
      consistent = consistent && (message->nlmsg_flags & NLM_F_DUMP_INTR) == 0;
      auto taken = take(*message, each);
      if (!taken) {
        return pass(taken);
      }
      if (*taken == Answer::End) {
        return consistent;
      }
    }
  }
}

Result<bool> NetlinkSocket::drain() const {
  // The content does not matter, so it may be cut off.
  std::array<char, 1> byte{};
  for (int count = 0; count < kMostDrained; ++count) {
    if (recv(fd(), byte.data(), byte.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS ||
        errno == EINTR) {
      continue;
    }
    return errno == EAGAIN ? Result<bool>(count > 0) : fail_errno(errno, "netlink");
  }
  return true;
}

}  // namespace tcpopt
