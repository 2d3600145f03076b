// SPDX-License-Identifier: GPL-2.0-or-later
// A connection over lo with both ends in this process, which therefore never
// waits: what is sent was received, and mostly acknowledged, when send() returns.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "kernel/cgroup.h"

namespace tcpopt::bench {

/// Payload of each segment, whether an option takes room or not: a receiver
/// that copies fewer bytes would make the option look cheap.
inline constexpr int kPayload = 1400;
/// Segments that are sent before they are read.
inline constexpr int kBurst = 10;

class Connection {
 public:
  /// @param sender, receiver cgroups that each end belongs to
  /// @param option_room bytes of the header that an option of a program will take
  static Result<Connection> open(const Cgroup& sender, const Cgroup& receiver, int option_room);

  /// Sends kBurst segments and reads them.
  Status burst();

  /// Data segments sent so far, retransmissions included.
  [[nodiscard]] Result<std::uint64_t> segments_sent() const;

  [[nodiscard]] std::uint16_t receiver_port() const { return port_; }

 private:
  Connection(UniqueFd out, UniqueFd in, std::uint16_t port)
      : out_(std::move(out)), in_(std::move(in)), port_(port) {}

  UniqueFd out_, in_;
  std::uint16_t port_;
  std::vector<char> data_ = std::vector<char>(std::size_t{kBurst} * kPayload, 'x');
};

}  // namespace tcpopt::bench
