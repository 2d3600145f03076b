// SPDX-License-Identifier: GPL-2.0-or-later
// All sessions together, in constant memory.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "mptcpstat/quantiles.h"
#include "mptcpstat/session.h"

namespace tcpopt::mptcpstat {

struct PortTotals {
  std::uint64_t sessions = 0, bytes = 0;
};

struct Totals {
  void add(const Session& session);

  std::uint64_t sessions = 0, without_start = 0;
  std::array<std::uint64_t, 2> versions{};
  std::uint64_t one_subflow = 0, two_subflows = 0, more_subflows = 0, most_subflows = 0;
  std::array<std::uint64_t, 6> fallbacks{};
  std::array<std::uint64_t, 7> ends{};
  std::array<std::uint64_t, 9> reset_reasons{};  ///< [7] reasons above 6, [8] none given
  std::uint64_t subflows = 0;
  std::array<std::uint64_t, 5> states{};  ///< of joins
  std::uint64_t joins = 0, wrong_hmacs = 0;
  std::uint64_t unused = 0;
  std::array<std::uint64_t, 5> unused_why{};
  std::uint64_t payload_bytes = 0, data_bytes = 0, unmapped_bytes = 0, missed_bytes = 0;
  std::uint64_t retransmissions = 0, retransmitted_bytes = 0, timeouts = 0;
  std::uint64_t reordered = 0, data_reordered = 0;
  std::uint64_t reinjections = 0, reinjected_bytes = 0, sessions_with_reinjections = 0;
  std::uint64_t sessions_with_retransmissions = 0;  ///< of those with several subflows
  std::array<std::uint64_t, kCauses> causes{};
  std::uint64_t announced = 0, announced_echoed = 0, announced_joined = 0, announced_wrong = 0;
  std::uint64_t with_checksums = 0;
  ChecksumCounts checksums;
  std::uint64_t mp_fails = 0, priorities = 0, removals = 0, fastcloses = 0;
  std::uint64_t malformed = 0, unknown = 0, experimental = 0;
  std::uint64_t captured_twice = 0, seen_elsewhere = 0;
  std::uint64_t forgotten = 0;  ///< ranges, to keep within limits
  std::uint64_t announcements_dropped = 0;
  Quantiles duration, join_delay, join_delay_after_established, rtt, rtt_spread, size;
  std::map<std::uint16_t, PortTotals> ports;  ///< of responders; 0 is all that found no room

 private:
  void add_subflow(const Session& session, const Subflow& subflow);
};

/// From the SYN with MP_CAPABLE to the one with MP_JOIN, if both were seen.
[[nodiscard]] std::optional<Time> join_delay(const Session& session, const Subflow& subflow);
[[nodiscard]] std::optional<Time> join_delay_after_established(const Session& session,
                                                               const Subflow& subflow);

}  // namespace tcpopt::mptcpstat
