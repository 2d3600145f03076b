// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/data_stream.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

namespace {

// Of one owner: when a range was sent is known to this.
constexpr Time kGrain = 50 * kMillisecond;
// No window is as large.
constexpr std::uint64_t kFar = std::uint64_t{1} << 31;

}  // namespace

DataStream::DataStream(Budget& budget, const Limits& limits)
    : seen_(budget, limits.ranges_of_set, kGrain) {}

void DataStream::set_initial(std::uint64_t idsn) {
  if (!started_) {
    started_ = whole_ = true;
    base_ = idsn - kStart;
    top_ = kStart + 1;
  }
}

std::optional<std::uint64_t> DataStream::place(std::uint64_t dsn, bool is_64) {
  if (!started_) {
    started_ = true;
    whole_ = is_64;
    base_ = dsn - kStart;
    top_ = kStart;
    return kStart;
  }
  auto number = dsn - base_;
  if (!is_64 || !whole_) {
    const auto difference = static_cast<std::int32_t>(static_cast<std::uint32_t>(dsn) -
                                                      static_cast<std::uint32_t>(base_ + top_));
    number = top_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(difference));
  }
  if (is_64 && !whole_) {
    // The upper half was unknown until now.
    whole_ = true;
    base_ = dsn - number;
  }
  if (number + kFar < top_ || number > top_ + kFar || number < kFar) {
    ++counts.out_of_range;
    return std::nullopt;
  }
  return number;
}

std::optional<std::uint64_t> DataStream::on_wire(std::uint64_t place) const {
  return whole_ ? std::optional(base_ + place) : std::nullopt;
}

}  // namespace tcpopt::mptcpstat
