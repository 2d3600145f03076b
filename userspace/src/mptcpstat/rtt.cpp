// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/rtt.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

namespace {

// More is a clock that jumped, and sums of it would overflow.
constexpr Time kLongest = 600 * kSecond;

}  // namespace

void RttSamples::add(Time sample) {
  if (sample > kLongest) {
    return;
  }
  min = count == 0 ? sample : std::min(min, sample);
  max = std::max(max, sample);
  sum += sample;
  ++count;
}

std::optional<Time> RttSamples::average() const {
  if (count == 0) {
    return std::nullopt;
  }
  return sum / static_cast<Time>(count);
}

void RttSampler::sent(std::uint64_t /*begin*/, std::uint64_t end, Time time,
                      std::optional<std::uint32_t> value) {
  if (count_ < pending_.size()) {
    pending_.at(count_++) = {end, time, value, false};
  }
}

void RttSampler::resent(std::uint64_t begin, std::uint64_t end, Time time,
                        std::optional<std::uint32_t> value) {
  last_resent_ = time;
  for (std::size_t i = 0; i < count_; ++i) {
    auto& one = pending_.at(i);
    if (one.end > begin && one.end <= end) {
      // With a timestamp of its own the copy can be told from the first one.
      const bool distinct = value && one.value && *value != *one.value;
      one = {one.end, time, distinct ? value : std::nullopt, true};
    }
  }
}

void RttSampler::acknowledged(std::uint64_t ack, Time time, std::optional<std::uint32_t> echo) {
  const Pending* newest = nullptr;
  for (std::size_t i = 0; i < count_; ++i) {
    const auto& one = pending_.at(i);
    if (one.end <= ack && (newest == nullptr || one.end > newest->end)) {
      newest = &one;
    }
  }
  if (newest == nullptr) {
    return;
  }
  // An ACK that had to wait for a hole to be filled says nothing about the path.
  const bool waited = !newest->resent && last_resent_ != 0 && newest->time <= last_resent_;
  const bool told = newest->resent && newest->value && echo == newest->value;
  if (time >= newest->time && ((!newest->resent && !waited) || told)) {
    samples_.add(time - newest->time);
  }
  const auto acked = [ack](const Pending& one) { return one.end <= ack; };
  const auto* const end = std::remove_if(
      pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count_), acked);
  count_ = static_cast<std::size_t>(end - pending_.begin());
}

}  // namespace tcpopt::mptcpstat
