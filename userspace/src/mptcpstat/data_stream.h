// SPDX-License-Identifier: GPL-2.0-or-later
// What one end of a session sent on all of its subflows, by data sequence numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "mptcpstat/direction.h"
#include "mptcpstat/intervals.h"
#include "mptcpstat/limits.h"
#include "mptcpstat/mapping.h"

namespace tcpopt::mptcpstat {

/// Why data went out once more on another subflow, as far as it can be told.
enum class Cause : std::uint8_t { Closing, Timeout, Loss, Early, Acked, Unknown };
inline constexpr std::size_t kCauses = 6;

struct DataCounts {
  std::uint64_t bytes = 0;      ///< each once
  std::uint64_t reordered = 0;  ///< segments with data below the highest before, seen first
  std::uint64_t reordered_bytes = 0;
  std::uint64_t furthest = 0;      ///< bytes that the highest was ahead of such data
  std::uint64_t reinjections = 0;  ///< segments
  std::uint64_t reinjected_bytes = 0;
  std::array<std::uint64_t, kCauses> causes{};  ///< bytes
  std::uint64_t repeated_bytes = 0;             ///< same data, same subflow, other sequence numbers
  std::uint64_t unmapped_bytes = 0;             ///< payload of which no mapping was seen
  std::uint64_t out_of_range = 0;               ///< numbers far from all others
};

/// Data sequence numbers are counted from kStart, the initial one (IDSN).
class DataStream {
 public:
  static constexpr std::uint64_t kStart = std::uint64_t{1} << 40;

  DataStream(Budget& budget, const Limits& limits);

  /// The first one counts.
  void set_initial(std::uint64_t idsn);
  /// nullopt if the number is nowhere near the others.
  [[nodiscard]] std::optional<std::uint64_t> place(std::uint64_t dsn, bool is_64);
  /// All 64 bits of it, if they are known.
  [[nodiscard]] std::optional<std::uint64_t> on_wire(std::uint64_t place) const;

  /// Data that subflow @p owner had not sent before; again(part) is called for what
  /// another one (part.owner) had.
  template <class Again>
  void sent(Range range, std::uint32_t owner, Time time, Again&& again) {
    const auto top = std::max(top_, kStart);
    std::uint64_t late = 0;
    seen_.add(
        range.begin, range.end, owner, time,
        [&](const Interval& part) {
          if (part.owner == owner) {
            counts.repeated_bytes += part.end - part.begin;
          } else {
            again(part);
          }
        },
        [&](std::uint64_t begin, std::uint64_t end) {
          counts.bytes += end - begin;
          if (begin < top) {
            late += std::min(end, top) - begin;
          }
        });
    if (late != 0) {
      ++counts.reordered;
      counts.reordered_bytes += late;
      counts.furthest = std::max(counts.furthest, top - range.begin);
    }
    top_ = std::max(top_, range.end);
  }
  void acknowledged(std::uint64_t place) { acked_ = std::max(acked_, place); }
  [[nodiscard]] std::uint64_t acked() const { return acked_; }
  /// DATA_FIN is at that place.
  void finished(std::uint64_t place) { fin_ = place; }
  [[nodiscard]] bool fin() const { return fin_.has_value(); }
  [[nodiscard]] bool fin_acked() const { return fin_ && acked_ > *fin_; }
  [[nodiscard]] std::uint64_t forgotten() const { return seen_.forgotten(); }
  void release() { seen_.clear(); }

  DataCounts counts;
  ChecksumCounts checksums;

 private:
  Intervals seen_;
  bool started_ = false, whole_ = false;
  std::uint64_t base_ = 0;  ///< number at place 0
  std::uint64_t top_ = 0;
  std::uint64_t acked_ = 0;
  std::optional<std::uint64_t> fin_;
};

}  // namespace tcpopt::mptcpstat
