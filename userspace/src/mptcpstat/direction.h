// SPDX-License-Identifier: GPL-2.0-or-later
// What one end of a subflow sent, as TCP sees it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "mptcpstat/intervals.h"
#include "mptcpstat/limits.h"
#include "mptcpstat/options.h"
#include "mptcpstat/rtt.h"
#include "mptcpstat/segment.h"

namespace tcpopt::mptcpstat {

/// What Linux waits at least before it sends again.
inline constexpr Time kShortestRto = 200 * kMillisecond;

struct Range {
  std::uint64_t begin = 0, end = 0;
};

struct DirectionCounts {
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;            ///< of payload, whatever it was
  std::uint64_t unique_bytes = 0;     ///< without what was there before
  std::uint64_t retransmissions = 0;  ///< segments
  std::uint64_t retransmitted_bytes = 0;
  std::uint64_t timeouts = 0;      ///< retransmissions after a silence as long as an RTO
  std::uint64_t filled_holes = 0;  ///< retransmissions whose first copy was not captured
  std::uint64_t reordered = 0;     ///< segments
  std::uint64_t reordered_bytes = 0;
  std::uint64_t keepalives = 0;
  std::uint64_t captured_twice = 0;
};

/// Sequence numbers are 64 bits wide here: kStart is the SYN, so that the low half
/// is what a DSS mapping calls the subflow sequence number.
class Direction {
 public:
  static constexpr std::uint64_t kStart = std::uint64_t{1} << 32;

  Direction(Budget& budget, const Limits& limits)
      : seen_(budget, limits.ranges_of_set, std::numeric_limits<Time>::max()) {}

  /// @param usual_rtt of the subflow, if known: what comes late by less was reordered
  /// @param fresh gets the ranges of payload that were not seen before
  /// @return the payload's range
  Range sent(const Segment& segment, const TcpOptions& options, std::optional<Time> usual_rtt,
             std::vector<Range>& fresh);
  /// The other end acknowledges.
  void acknowledged(const Segment& ack, const TcpOptions& options);
  /// @return the same frame once more, as captures on "any" and on bridges have them
  [[nodiscard]] bool is_copy(const Segment& segment);

  /// Where a mapping's subflow sequence number is, given with payload at @p near.
  [[nodiscard]] std::uint64_t place_ssn(std::uint32_t ssn, std::uint64_t near);

  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] bool is_syn(const Segment& segment) const {
    return syn_seen_ && segment.seq == base_;
  }
  [[nodiscard]] const DirectionCounts& counts() const { return counts_; }
  [[nodiscard]] const RttSamples& rtt() const { return rtt_.samples(); }
  /// Last sign that the network lost something: SACK, duplicate ACKs, a retransmission.
  [[nodiscard]] Time last_loss() const { return last_loss_; }
  [[nodiscard]] Time last_timeout() const { return last_timeout_; }
  /// Bytes that were acknowledged and not captured.
  [[nodiscard]] std::uint64_t missed() const;
  [[nodiscard]] bool fin() const { return fin_; }
  [[nodiscard]] std::uint64_t forgotten() const { return seen_.forgotten(); }
  void release() { seen_.clear(); }

 private:
  struct Copy {
    std::uint16_t ip_id = 0;
    std::uint32_t seq = 0, length = 0;
    Time time = 0;
  };

  [[nodiscard]] std::uint64_t place(std::uint32_t seq) const {
    const auto difference =
        static_cast<std::int32_t>(seq - base_ - static_cast<std::uint32_t>(top_));
    return top_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(difference));
  }
  void start(const Segment& segment);
  void late(Range part, const Segment& segment, const TcpOptions& options,
            std::optional<Time> usual_rtt);
  void again(std::uint64_t bytes, Range range, const Segment& segment, const TcpOptions& options,
             std::optional<Time> usual_rtt);

  Intervals seen_;
  RttSampler rtt_;
  DirectionCounts counts_;
  std::array<Copy, 4> copies_{};
  std::uint32_t base_ = 0;  ///< sequence number at kStart
  bool started_ = false, syn_seen_ = false, fin_ = false;
  std::uint64_t top_ = kStart;  ///< one past the highest
  Time top_time_ = 0;
  std::optional<std::uint32_t> top_stamp_;
  Time last_payload_ = 0;
  std::uint64_t acked_ = 0;
  unsigned duplicate_acks_ = 0;
  Time last_loss_ = 0, last_timeout_ = 0;
  std::optional<std::uint32_t> ssn_shift_;  ///< where the SYN was not captured
};

}  // namespace tcpopt::mptcpstat
