// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "mptcpstat/direction.h"
#include "mptcpstat/mapping.h"
#include "mptcpstat/options.h"

namespace tcpopt::mptcpstat {

enum class Kind : std::uint8_t {
  Initial,
  Join,
  Unknown,  ///< its handshake was not captured
};

enum class SubflowState : std::uint8_t {
  NoAnswer,     ///< to the SYN
  HalfOpen,     ///< the SYN-ACK was not acknowledged
  Established,  ///< or, of those whose handshake was not captured, seen
  Refused,      ///< a RST answered the SYN or the SYN-ACK
  NoOption,     ///< a join whose SYN-ACK has no MP_JOIN: not a part of the session
};

/// Of a join's HMACs, where the keys are known.
enum class HmacState : std::uint8_t { Unknown, Right, Wrong };

/// Why a subflow carried nothing, as far as it can be told.
enum class Unused : std::uint8_t {
  No,
  Backup,
  TooLate,  ///< no new data was sent in the session after it was established
  Slower,   ///< its handshake took longer than that of each subflow with data
  Other,
};

/// Index 0 is the end that began the session, 1 the other one, in all arrays.
using EndIndex = std::size_t;
[[nodiscard]] constexpr EndIndex other(EndIndex end) { return 1 - end; }

/// When its segments were seen.
struct Handshake {
  std::optional<Time> syn, syn_ack, ack;
  bool repeated = false;  ///< one of them came twice, so that times mean little
};

struct Subflow {
  Subflow(Budget& budget, const Limits& limits, std::array<ChecksumCounts*, 2> checksums)
      : sent{Direction{budget, limits}, Direction{budget, limits}},
        mappings{Mappings{*checksums[0]}, Mappings{*checksums[1]}} {}

  std::uint32_t id = 0;  ///< within its session, in order of appearance
  Kind kind = Kind::Unknown;
  EndIndex opener = 0;
  std::array<Endpoint, 2> ends;
  std::array<std::optional<std::uint8_t>, 2> address_ids;
  std::array<bool, 2> backup{};
  std::array<std::uint32_t, 2> nonces{};
  HmacState hmac = HmacState::Unknown;
  Handshake handshake;
  bool answered_without_option = false;
  Time first = 0, last = 0;
  std::optional<Time> last_data;  ///< of the session, mapped or not
  std::array<Direction, 2> sent;
  std::array<Mappings, 2> mappings;
  std::array<bool, 2> mptcp_seen{};  ///< after the handshake's SYNs
  std::optional<EndIndex> reset_by;
  bool reset_with_fastclose = false;
  std::optional<TcpRst> reset_reason;
  std::optional<EndIndex> removed_by;  ///< withdrew its address

  [[nodiscard]] bool over() const {
    return reset_by.has_value() || (sent[0].fin() && sent[1].fin());
  }
  [[nodiscard]] SubflowState state() const;
  /// When both ends had it, as far as it was captured.
  [[nodiscard]] std::optional<Time> established() const;
  [[nodiscard]] std::uint64_t bytes() const {
    return sent[0].counts().unique_bytes + sent[1].counts().unique_bytes;
  }
  /// SYN to the ACK that ends the handshake: both halves of the path.
  [[nodiscard]] std::optional<Time> handshake_rtt() const;
  /// Average of the whole path: that of the half further away plus the least of the
  /// nearer one, whose delayed ACKs would count otherwise; or the handshake's.
  [[nodiscard]] std::optional<Time> rtt() const;
  /// For decisions on the way: what is known first.
  [[nodiscard]] std::optional<Time> usual_rtt() const;
};

}  // namespace tcpopt::mptcpstat
