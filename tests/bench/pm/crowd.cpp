// SPDX-License-Identifier: GPL-2.0-or-later
#include "pm/crowd.h"

#include <fmt/format.h>
#include <linux/mptcp.h>
#include <linux/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tcpopt::bench {

namespace {

constexpr int kPatience = 60'000;  // ms; only a bug makes a session wait so long
constexpr int kSolMptcp = 284;
constexpr std::uint8_t kEstablished =
    1;  // TCP_ESTABLISHED; <netinet/tcp.h> is at odds with Linux's

/// What getsockopt(MPTCP_TCPINFO) fills.
struct Subflows {
  mptcp_subflow_data head;
  std::array<tcp_info, 8> info;
};

Result<std::size_t> established_subflows(int fd) {
  Subflows subflows{};
  subflows.head.size_subflow_data = sizeof(subflows.head);
  subflows.head.size_user = sizeof(tcp_info);
  socklen_t length = sizeof(subflows);
  if (getsockopt(fd, kSolMptcp, MPTCP_TCPINFO, &subflows, &length) != 0) {
    return fail_errno(errno, "MPTCP_TCPINFO");
  }
  const auto count = std::min<std::size_t>(subflows.head.num_subflows, subflows.info.size());
  return std::count_if(subflows.info.begin(), subflows.info.begin() + count,
                       [](const tcp_info& info) { return info.tcpi_state == kEstablished; });
}

}  // namespace

Result<Crowd> Crowd::make(const End& client, const UniqueFd& listener, std::size_t sessions) {
  Crowd crowd(listener.get());
  crowd.epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!crowd.epoll_) {
    return fail_errno(errno, "epoll");
  }
  crowd.servers_.reserve(sessions);
  for (std::size_t i = 0; i < sessions; i++) {
    auto socket = client.mptcp_socket();
    if (!socket) {
      return pass(socket);
    }
    crowd.clients_.push_back(std::move(*socket));
  }
  return crowd;
}

Status Crowd::watch(int operation, int fd, std::uint32_t events, Role role) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 =
      std::uint64_t{static_cast<std::uint32_t>(role)} << 32 | static_cast<unsigned>(fd);
  if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) {
    return fail_errno(errno, "epoll_ctl");
  }
  return {};
}

Status Crowd::connect_all() {
  const auto server = server_address();
  for (const auto& client : clients_) {
    if (connect(client.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server)) != 0 &&
        errno != EINPROGRESS) {
      return fail_errno(errno, "connect");
    }
    if (auto watched = watch(EPOLL_CTL_ADD, client.get(), EPOLLOUT, Role::Client); !watched) {
      return watched;
    }
  }
  return {};
}

Status Crowd::accept_all() {
  for (;;) {
    UniqueFd fd(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      return errno == EAGAIN ? Status() : Status(fail_errno(errno, "accept"));
    }
    if (auto watched = watch(EPOLL_CTL_ADD, fd.get(), EPOLLIN, Role::Server); !watched) {
      return watched;
    }
    servers_.push_back(std::move(fd));
  }
}

Status Crowd::ask(int fd) const {
  if (send(fd, "?", 1, MSG_NOSIGNAL) != 1) {
    return fail_errno(errno, "send");
  }
  return watch(EPOLL_CTL_MOD, fd, EPOLLIN, Role::Client);
}

Status Crowd::answer(int fd) const {
  char byte = 0;
  if (recv(fd, &byte, 1, 0) != 1 || send(fd, "!", 1, MSG_NOSIGNAL) != 1) {
    return fail_errno(errno, "answer");
  }
  return watch(EPOLL_CTL_DEL, fd, 0, Role::Server);
}

Status Crowd::take_answer(int fd) {
  char byte = 0;
  if (recv(fd, &byte, 1, 0) != 1) {
    return fail_errno(errno, "receive");
  }
  answered_++;
  return watch(EPOLL_CTL_DEL, fd, 0, Role::Client);
}

Status Crowd::handle(int fd, std::uint32_t events, Role role) {
  switch (role) {
    case Role::Listener:
      return accept_all();
    case Role::Server:
      return answer(fd);
    case Role::Client:
      return (events & EPOLLOUT) != 0 ? ask(fd) : take_answer(fd);
  }
  return {};
}

Status Crowd::open() {
  if (auto watched = watch(EPOLL_CTL_ADD, listener_, EPOLLIN, Role::Listener); !watched) {
    return watched;
  }
  if (auto connected = connect_all(); !connected) {
    return connected;
  }
  std::array<epoll_event, 64> events{};
  while (answered_ < clients_.size()) {
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), kPatience);
    if (count <= 0) {
      return fail(fmt::format("{} of {} sessions were not answered", clients_.size() - answered_,
                              clients_.size()));
    }
    for (int i = 0; i < count; i++) {
      const auto data = events.at(static_cast<std::size_t>(i)).data.u64;
      const auto happened = events.at(static_cast<std::size_t>(i)).events;
      auto handled =
          handle(static_cast<int>(data & 0xffffffff), happened, static_cast<Role>(data >> 32));
      if (!handled) {
        return handled;
      }
    }
  }
  return watch(EPOLL_CTL_DEL, listener_, 0, Role::Listener);
}

Result<std::size_t> Crowd::with_subflows(std::size_t wanted) const {
  std::size_t found = 0;
  for (const auto& client : clients_) {
    auto subflows = established_subflows(client.get());
    if (!subflows) {
      return subflows;
    }
    found += *subflows == wanted ? 1 : 0;
  }
  return found;
}

}  // namespace tcpopt::bench
