// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tcpopt::mptcpstat {

/// Quantiles of any number of values in constant memory, to within 1/32.
class Quantiles {
 public:
  void add(std::int64_t value) {
    const auto positive = static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
    ++buckets_.at(bucket(positive));
    max_ = std::max(max_, positive);
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::int64_t max() const { return static_cast<std::int64_t>(max_); }
  /// The least value that this part of all, 0 to 1, does not exceed; rounded up.
  [[nodiscard]] std::int64_t at(double part) const {
    const auto wanted = static_cast<double>(count_) * part;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      sum += buckets_.at(i);
      if (sum != 0 && static_cast<double>(sum) >= wanted) {
        return static_cast<std::int64_t>(std::min(highest(i), max_));
      }
    }
    return max();
  }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr std::uint64_t kSteps = std::uint64_t{1} << kBits;

  static std::size_t bucket(std::uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    if (width <= kBits) {
      return value;
    }
    const auto shift = width - kBits - 1;
    return (shift + 1) * kSteps + ((value >> shift) - kSteps);
  }
  static std::uint64_t highest(std::size_t bucket) {
    const auto shift = bucket / kSteps;
    if (shift == 0) {
      return bucket;
    }
    return ((kSteps + bucket % kSteps + 1) << (shift - 1)) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kSteps> buckets_{};
  std::uint64_t max_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace tcpopt::mptcpstat
