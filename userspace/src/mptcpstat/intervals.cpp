// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/intervals.h"

#include <algorithm>
#include <cstdlib>

namespace tcpopt::mptcpstat {

void Intervals::clear() {
  budget_->give(ranges_.size());
  ranges_ = {};
}

bool Intervals::joins(const Interval& before, const Interval& after) const {
  return before.end == after.begin && before.owner == after.owner &&
         std::abs(after.time - before.time) <= grain_;
}

void Intervals::forget() {
  // A quarter at once: each time costs a move of the rest.
  const auto count = std::max<std::size_t>(ranges_.size() / 4, 1);
  floor_ = ranges_[count - 1].end;
  ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(count));
  budget_->give(count);
  forgotten_ += count;
}

void Intervals::append(const Interval& range) {
  if (!ranges_.empty() && joins(ranges_.back(), range)) {
    ranges_.back().end = range.end;
    return;
  }
  if (ranges_.size() >= limit_) {
    forget();
  }
  if (!budget_->take()) {
    if (ranges_.empty()) {
      floor_ = range.end;
      ++forgotten_;
      return;
    }
    forget();
    if (!budget_->take()) {
      return;
    }
  }
  ranges_.push_back(range);
}

std::vector<Interval> Intervals::insert(const Interval& range) {
  // From the first that ends behind the begin, to the first that begins at the end or later.
  const auto first = std::upper_bound(
      ranges_.begin(), ranges_.end(), range.begin,
      [](std::uint64_t value, const Interval& other) { return value < other.end; });
  const auto last = std::lower_bound(
      first, ranges_.end(), range.end,
      [](const Interval& other, std::uint64_t value) { return other.begin < value; });
  std::vector<Interval> parts;
  std::vector<Interval> merged;
  std::size_t fresh = 0;
  auto at = range.begin;
  const auto add_fresh = [&](std::uint64_t end) {
    if (at < end) {
      parts.push_back({at, end, kFresh, 0});
      merged.push_back({at, end, range.owner, range.time});
      ++fresh;
    }
  };
  for (auto known = first; known != last; ++known) {
    add_fresh(known->begin);
    at = std::max(at, known->begin);
    const auto end = std::min(known->end, range.end);
    parts.push_back({at, end, known->owner, known->time});
    merged.push_back(*known);
    at = end;
  }
  add_fresh(range.end);
  if (fresh == 0) {
    return parts;
  }
  // What touches and is of the same owner becomes one, also with its neighbours.
  auto from = first;
  auto to = last;
  if (from != ranges_.begin() && joins(*std::prev(from), merged.front())) {
    --from;
    merged.insert(merged.begin(), *from);
  }
  if (to != ranges_.end() && joins(merged.back(), *to)) {
    merged.push_back(*to);
    ++to;
  }
  std::vector<Interval> joined;
  for (const auto& part : merged) {
    if (!joined.empty() && joins(joined.back(), part)) {
      joined.back().end = part.end;
    } else {
      joined.push_back(part);
    }
  }
  const auto before = static_cast<std::size_t>(to - from);
  for (auto count = before; count < joined.size(); ++count) {
    if (!budget_->take()) {
      // Not kept: the same range would be fresh once more. A set is seldom here.
      budget_->give(count - before);
      ++forgotten_;
      return parts;
    }
  }
  if (joined.size() < before) {
    budget_->give(before - joined.size());
  }
  const auto place = ranges_.erase(from, to);
  ranges_.insert(place, joined.begin(), joined.end());
  while (ranges_.size() > limit_) {
    forget();
  }
  return parts;
}

}  // namespace tcpopt::mptcpstat
