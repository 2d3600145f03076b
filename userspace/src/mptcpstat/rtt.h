// SPDX-License-Identifier: GPL-2.0-or-later
// Round-trip times between the place of the capture and the end that acknowledges.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "mptcpstat/segment.h"

namespace tcpopt::mptcpstat {

/// In nanoseconds.
struct RttSamples {
  std::uint64_t count = 0;
  Time sum = 0, min = 0, max = 0;

  void add(Time sample);
  [[nodiscard]] std::optional<Time> average() const;
};

/// Follows some of the segments that one end has under way; sequence numbers are
/// those of Direction. After Karn a segment that was sent more than once gives no
/// sample, unless a timestamp's echo tells which copy was acknowledged.
class RttSampler {
 public:
  void sent(std::uint64_t begin, std::uint64_t end, Time time, std::optional<std::uint32_t> value);
  void resent(std::uint64_t begin, std::uint64_t end, Time time,
              std::optional<std::uint32_t> value);
  void acknowledged(std::uint64_t ack, Time time, std::optional<std::uint32_t> echo);

  [[nodiscard]] const RttSamples& samples() const { return samples_; }

 private:
  struct Pending {
    std::uint64_t end = 0;
    Time time = 0;
    std::optional<std::uint32_t> value;  ///< of its timestamp
    bool resent = false;
  };

  // A window has more segments than this; the sample is as good.
  std::array<Pending, 8> pending_{};
  std::size_t count_ = 0;
  Time last_resent_ = 0;
  RttSamples samples_;
};

}  // namespace tcpopt::mptcpstat
