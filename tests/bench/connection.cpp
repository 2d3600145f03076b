// SPDX-License-Identifier: GPL-2.0-or-later
#include "connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <fstream>

namespace tcpopt::bench {

namespace {

constexpr int kTimestampRoom = 12;
constexpr int kPatience = 10;  // s; only a bug makes a call wait at all

/// A socket belongs to the cgroup that its process is in when it is made.
Result<UniqueFd> socket_in(const Cgroup& cgroup) {
  std::ofstream procs(cgroup.path() / "cgroup.procs");
  procs << getpid() << std::flush;
  if (!procs) {
    return fail(fmt::format("cannot join {}", cgroup.path().string()), "run as root");
  }
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    return fail_errno(errno, "socket");
  }
  return fd;
}

Status set_timeouts(int fd) {
  const timeval patience{kPatience, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (setsockopt(fd, SOL_SOCKET, option, &patience, sizeof(patience)) != 0) {
      return fail_errno(errno, "set a timeout");
    }
  }
  return {};
}

}  // namespace

Result<Connection> Connection::open(const Cgroup& sender, const Cgroup& receiver, int option_room) {
  auto listener = socket_in(receiver);
  if (!listener) {
    return pass(listener);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof(address);
  if (bind(listener->get(), generic, length) != 0 || listen(listener->get(), 1) != 0 ||
      getsockname(listener->get(), generic, &length) != 0) {
    return fail_errno(errno, "listen");
  }
  auto out = socket_in(sender);
  if (!out) {
    return pass(out);
  }
  const int segment = kPayload + kTimestampRoom + option_room;
  if (setsockopt(out->get(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)) != 0) {
    return fail_errno(errno, "TCP_MAXSEG");
  }
  if (connect(out->get(), generic, length) != 0) {
    return fail_errno(errno, "connect");
  }
  UniqueFd in(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!in) {
    return fail_errno(errno, "accept");
  }
  for (const int fd : {out->get(), in.get()}) {
    if (auto set = set_timeouts(fd); !set) {
      return pass(set);
    }
  }
  return Connection(std::move(*out), std::move(in), ntohs(address.sin_port));
}

Status Connection::burst() {
  const auto size = static_cast<ssize_t>(data_.size());
  if (send(out_.get(), data_.data(), data_.size(), MSG_NOSIGNAL) != size) {
    return fail_errno(errno, "send");
  }
  if (recv(in_.get(), data_.data(), data_.size(), MSG_WAITALL) != size) {
    return fail_errno(errno, "receive");
  }
  return {};
}

Result<std::uint64_t> Connection::segments_sent() const {
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (getsockopt(out_.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return fail_errno(errno, "TCP_INFO");
  }
  return info.tcpi_data_segs_out;
}

}  // namespace tcpopt::bench
