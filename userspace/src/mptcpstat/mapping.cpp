// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/mapping.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

namespace {

// A segment finds its mapping among the last few: it came with it, or with one of
// the segments of the same burst.
constexpr std::size_t kMappings = 8;

/// The Internet checksum's sum (RFC 1071) of bytes that begin at an even or odd place.
std::uint64_t ones_sum(Bytes bytes, bool odd) {
  std::uint64_t sum = 0;
  for (const auto byte : bytes) {
    sum += odd ? byte : static_cast<std::uint64_t>(byte) << 8;
    odd = !odd;
  }
  return sum;
}

std::uint64_t words(std::uint64_t value) {
  return (value & 0xffff) + (value >> 16 & 0xffff) + (value >> 32 & 0xffff) + (value >> 48);
}

}  // namespace

void Mappings::add(const Mapping& mapping) {
  const auto same = [&mapping](const Entry& entry) {
    return entry.mapping.ssn == mapping.ssn && entry.mapping.dsn == mapping.dsn &&
           entry.mapping.length == mapping.length;
  };
  if (std::any_of(entries_.begin(), entries_.end(), same)) {
    return;
  }
  Entry entry{mapping, mapping.ssn, 0, mapping.checksum.has_value()};
  if (entry.waiting && !mapping.wire_dsn) {
    give_up(entry);
  }
  if (entries_.size() < kMappings) {
    entries_.push_back(entry);
    return;
  }
  give_up(entries_[oldest_]);
  entries_[oldest_] = entry;
  oldest_ = (oldest_ + 1) % kMappings;
}

void Mappings::give_up(Entry& entry) {
  if (entry.waiting) {
    entry.waiting = false;
    ++counts_->unchecked;
  }
}

void Mappings::close() {
  for (auto& entry : entries_) {
    give_up(entry);
  }
  entries_ = {};
  oldest_ = 0;
}

void Mappings::feed(Range range, Bytes captured) {
  for (auto& entry : entries_) {
    const auto end = entry.mapping.ssn + entry.mapping.length;
    if (!entry.waiting || entry.next < range.begin || entry.next >= range.end) {
      continue;
    }
    const auto until = std::min(end, range.end);
    if (until - range.begin > captured.size()) {
      give_up(entry);
      continue;
    }
    const auto part = captured.subspan(entry.next - range.begin, until - entry.next);
    entry.sum += ones_sum(part, ((entry.next - entry.mapping.ssn) & 1) != 0);
    entry.next = until;
    if (until == end) {
      finish(entry);
    }
  }
}

void Mappings::finish(Entry& entry) {
  const auto& mapping = entry.mapping;
  auto sum = entry.sum + words(*mapping.wire_dsn) + words(mapping.wire_ssn) +
             mapping.checked_length + *mapping.checksum;
  while (sum >> 16 != 0) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  entry.waiting = false;
  ++(sum == 0xffff ? counts_->right : counts_->wrong);
}

const Mapping* Mappings::find(std::uint64_t ssn) const {
  const Mapping* found = nullptr;
  for (const auto& entry : entries_) {
    const auto& mapping = entry.mapping;
    // Of two the one that begins later: it is the newer one.
    if (ssn >= mapping.ssn && ssn - mapping.ssn < mapping.length &&
        (found == nullptr || mapping.ssn > found->ssn)) {
      found = &mapping;
    }
  }
  return found;
}

std::uint64_t Mappings::next_begin(Range range) const {
  auto next = range.end;
  for (const auto& entry : entries_) {
    if (entry.mapping.length != 0 && entry.mapping.ssn > range.begin) {
      next = std::min(next, entry.mapping.ssn);
    }
  }
  return next;
}

}  // namespace tcpopt::mptcpstat
