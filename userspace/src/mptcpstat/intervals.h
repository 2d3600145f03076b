// SPDX-License-Identifier: GPL-2.0-or-later
// Which ranges of a sequence space were seen, where first and when, in bounded
// memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "mptcpstat/segment.h"

namespace tcpopt::mptcpstat {

/// What the interval sets of all sessions may hold together.
class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}
  [[nodiscard]] bool take() { return used_ < limit_ && ++used_ > 0; }
  void give(std::size_t count) { used_ -= count; }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

struct Interval {
  std::uint64_t begin = 0, end = 0;
  std::uint32_t owner = 0;
  Time time = 0;  ///< when its begin was seen first
};

/// Ranges with an owner; the first one to come keeps a range. When there is no
/// room, the lowest ranges are forgotten: what lies below floor() was seen, but
/// nobody knows from whom.
class Intervals {
 public:
  /// Owner of what was forgotten.
  static constexpr std::uint32_t kForgotten = std::numeric_limits<std::uint32_t>::max();

  /// @param limit ranges that this set may hold
  /// @param grain ranges of one owner that touch are one if they came within this time
  Intervals(Budget& budget, std::size_t limit, Time grain)
      : budget_(&budget), limit_(limit), grain_(grain) {}
  Intervals(const Intervals&) = delete;
  Intervals& operator=(const Intervals&) = delete;
  Intervals(Intervals&&) = delete;
  Intervals& operator=(Intervals&&) = delete;
  ~Intervals() { clear(); }

  /// Adds [begin, end) and calls, in ascending order, known(part) for each part
  /// that was there (with its owner and time) and fresh(begin, end) for the others.
  template <class Known, class Fresh>
  void add(std::uint64_t begin, std::uint64_t end, std::uint32_t owner, Time time, Known&& known,
           Fresh&& fresh) {
    if (begin < floor_ && begin < end) {
      const auto cut = end < floor_ ? end : floor_;
      known(Interval{begin, cut, kForgotten, 0});
      begin = cut;
    }
    if (begin >= end) {
      return;
    }
    if (ranges_.empty() || begin >= ranges_.back().end) {
      append({begin, end, owner, time});
      fresh(begin, end);
      return;
    }
    for (const auto& part : insert({begin, end, owner, time})) {
      if (part.owner == kFresh) {
        fresh(part.begin, part.end);
      } else {
        known(part);
      }
    }
  }

  /// One past the highest that was seen, or the floor.
  [[nodiscard]] std::uint64_t top() const { return ranges_.empty() ? floor_ : ranges_.back().end; }
  [[nodiscard]] std::uint64_t floor() const { return floor_; }
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }
  /// How many ranges had to be forgotten.
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }
  /// Gives the memory back; what was there counts as forgotten no more.
  void clear();

 private:
  static constexpr std::uint32_t kFresh = kForgotten - 1;

  void append(const Interval& range);
  std::vector<Interval> insert(const Interval& range);
  void forget();
  [[nodiscard]] bool joins(const Interval& before, const Interval& after) const;

  Budget* budget_;
  std::size_t limit_;
  Time grain_;
  std::vector<Interval> ranges_;  ///< ascending, disjoint
  std::uint64_t floor_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace tcpopt::mptcpstat
