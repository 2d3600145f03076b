// SPDX-License-Identifier: GPL-2.0-or-later
#include "pm/ends.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace tcpopt::bench {

namespace {

constexpr const char* kServer = "10.8.0.2";
constexpr std::uint16_t kPort = 7000;

}  // namespace

Result<End> End::open(const std::string& name) {
  const auto file = "/run/netns/" + name;
  UniqueFd netns(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns) {
    return fail_errno(errno, file);
  }
  const auto mount = cgroup2_mount();
  if (!mount) {
    return fail("cgroup v2 is not mounted");
  }
  auto cgroup = Cgroup::open(*mount / name);
  if (!cgroup) {
    return pass(cgroup);
  }
  return End(std::move(netns), std::move(*cgroup));
}

/// A socket belongs to what its process is in when it is made.
Result<UniqueFd> End::mptcp_socket() const {
  std::ofstream procs(cgroup_.path() / "cgroup.procs");
  procs << getpid() << std::flush;
  if (!procs) {
    return fail(fmt::format("cannot join {}", cgroup_.path().string()), "run as root");
  }
  if (setns(netns_.get(), CLONE_NEWNET) != 0) {
    return fail_errno(errno, "setns");
  }
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_MPTCP));
  if (!fd) {
    return fail_errno(errno, "MPTCP socket");
  }
  return fd;
}

sockaddr_in server_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  inet_pton(AF_INET, kServer, &address.sin_addr);
  return address;
}

Result<UniqueFd> listen_at(const End& server, int backlog) {
  auto listener = server.mptcp_socket();
  if (!listener) {
    return listener;
  }
  const auto address = server_address();
  const int reuse = 1;  // the last run's sockets may not be gone
  if (setsockopt(listener->get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) != 0 ||
      bind(listener->get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener->get(), backlog) != 0) {
    return fail_errno(errno, "listen");
  }
  return listener;
}

}  // namespace tcpopt::bench
