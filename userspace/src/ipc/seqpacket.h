// SPDX-License-Identifier: GPL-2.0-or-later
// Unix sockets of type SOCK_SEQPACKET: messages keep their bounds and can carry
// a file descriptor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tcpopt {

/// Binds and listens at @p path with mode 0600; what was there is replaced.
/// Nonblocking. Errors: a path too long for a socket (107 bytes).
[[nodiscard]] Result<UniqueFd> listen_at(const std::filesystem::path& path);

/// @param patience how long a receive_message() on it waits
/// Errors: as errno says; what they mean is the caller's to know.
[[nodiscard]] tl::expected<UniqueFd, int> connect_to(const std::filesystem::path& path,
                                                     std::chrono::seconds patience);

/// Sends one message, and @p passed with it unless that is -1. Does not wait.
[[nodiscard]] Status send_message(int socket, std::string_view text, int passed = -1);

struct Message {
  std::string text;
  UniqueFd passed;  ///< the descriptor that came along, if one did
};

/// Receives one message. Errors: the peer hung up; too long (kMaxMessage); more
/// than one descriptor; waited too long. Whatever came along is closed then.
[[nodiscard]] Result<Message> receive_message(int socket);

/// User id of the process that connected.
[[nodiscard]] Result<uid_t> peer_uid(int socket);

}  // namespace tcpopt
