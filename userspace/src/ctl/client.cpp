// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/client.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>

#include "base/defaults.h"
#include "ipc/seqpacket.h"

namespace tcpopt {

namespace {

// Loading a program into an emulated kernel takes seconds.
constexpr std::chrono::seconds kPatience{60};

tl::unexpected<Error> no_connection(int err, const std::filesystem::path& path) {
  switch (err) {
    case ENOENT:
    case ECONNREFUSED:
      return fail(fmt::format("no daemon at {}", path.string()),
                  "start tcpopt-loader, or say with --run-dir where it runs");
    case EACCES:
    case EPERM:
      return fail(fmt::format("not permitted to talk to the daemon at {}", path.string()),
                  "run as root");
    default:
      return fail_errno(err, path.string());
  }
}

}  // namespace

Reply ask(const std::filesystem::path& run_directory, const Request& request, int cgroup) {
  const auto path = run_directory / kSocketName;
  const auto socket = connect_to(path, kPatience);
  if (!socket) {
    return no_connection(socket.error(), path);
  }
  const auto sent = send_message(socket->get(), encode(request), cgroup);
  // A daemon that refused us may have answered and hung up already.
  auto message = receive_message(socket->get());
  if (!message) {
    return sent ? pass(message, "daemon") : tl::make_unexpected(sent.error());
  }
  return decode_reply(message->text);
}

}  // namespace tcpopt
