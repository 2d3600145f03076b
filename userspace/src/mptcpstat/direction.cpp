// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/direction.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

namespace {

// Without any RTT: what tcpdump's and Wireshark's users are used to.
constexpr Time kReordering = 3 * kMillisecond;
// Two sightings of one frame in a host are closer.
constexpr Time kCopy = 5 * kMillisecond;
constexpr unsigned kDuplicateAcks = 3;

std::optional<std::uint32_t> stamp(const TcpOptions& options) {
  return options.timestamps ? std::optional(options.timestamps->value) : std::nullopt;
}

}  // namespace

void Direction::start(const Segment& segment) {
  if (started_) {
    return;
  }
  started_ = true;
  syn_seen_ = segment.has(kSyn);
  // In the midst of it: as if this were the first byte.
  base_ = syn_seen_ ? segment.seq : segment.seq - 1;
  top_ = syn_seen_ ? kStart : kStart + 1;
}

bool Direction::is_copy(const Segment& segment) {
  if (segment.ip_id == 0 || (segment.length == 0 && !segment.has(kSyn | kFin))) {
    return false;
  }
  const auto place = segment.ip_id % copies_.size();
  auto& known = copies_.at(place);
  if (known.time != 0 && known.ip_id == segment.ip_id && known.seq == segment.seq &&
      known.length == segment.length && segment.time - known.time < kCopy) {
    ++counts_.captured_twice;
    return true;
  }
  known = {segment.ip_id, segment.seq, segment.length, segment.time};
  return false;
}

Range Direction::sent(const Segment& segment, const TcpOptions& options,
                      std::optional<Time> usual_rtt, std::vector<Range>& fresh) {
  start(segment);
  fresh.clear();
  ++counts_.segments;
  const auto first = place(segment.seq) + (segment.has(kSyn) ? 1 : 0);
  const Range range{first, first + segment.length};
  if (segment.has(kFin)) {
    fin_ = true;
  }
  if (segment.length == 0) {
    // Only a SYN says where data begins: a RST's number may be anything.
    top_ = segment.has(kSyn) ? std::max(top_, range.end) : top_;
    return range;
  }
  counts_.bytes += segment.length;
  if (segment.length == 1 && range.end == top_ && acked_ >= top_) {
    ++counts_.keepalives;
    return range;
  }
  std::uint64_t known = 0;
  seen_.add(
      range.begin, range.end, 0, segment.time,
      [&known](const Interval& part) { known += part.end - part.begin; },
      [&fresh](std::uint64_t begin, std::uint64_t end) {
        fresh.push_back({begin, end});
      });
  for (const auto& part : fresh) {
    counts_.unique_bytes += part.end - part.begin;
  }
  if (known != 0) {
    again(known, range, segment, options, usual_rtt);
  } else if (range.begin < top_) {
    late(range, segment, options, usual_rtt);
  } else {
    rtt_.sent(range.begin, range.end, segment.time, stamp(options));
  }
  if (range.end > top_) {
    top_ = range.end;
    top_time_ = segment.time;
    top_stamp_ = stamp(options);
  }
  last_payload_ = segment.time;
  return range;
}

void Direction::again(std::uint64_t bytes, Range range, const Segment& segment,
                      const TcpOptions& options, std::optional<Time> usual_rtt) {
  ++counts_.retransmissions;
  counts_.retransmitted_bytes += bytes;
  rtt_.resent(range.begin, range.end, segment.time, stamp(options));
  last_loss_ = segment.time;
  const auto rto = std::max(kShortestRto, 2 * usual_rtt.value_or(0));
  if (segment.time - last_payload_ >= rto && duplicate_acks_ < kDuplicateAcks) {
    ++counts_.timeouts;
    last_timeout_ = segment.time;
  }
}

void Direction::late(Range part, const Segment& segment, const TcpOptions& options,
                     std::optional<Time> usual_rtt) {
  const auto own = stamp(options);
  bool reordered = segment.time - top_time_ < usual_rtt.value_or(kReordering);
  if (own && top_stamp_ && *own != *top_stamp_) {
    // It was sent before what overtook it, or afterwards.
    reordered = static_cast<std::int32_t>(*own - *top_stamp_) < 0;
  }
  const auto bytes = part.end - part.begin;
  if (reordered) {
    ++counts_.reordered;
    counts_.reordered_bytes += bytes;
    return;
  }
  ++counts_.filled_holes;
  ++counts_.retransmissions;
  counts_.retransmitted_bytes += bytes;
  rtt_.resent(part.begin, part.end, segment.time, own);
  last_loss_ = segment.time;
}

void Direction::acknowledged(const Segment& ack, const TcpOptions& options) {
  if (!started_) {
    return;
  }
  const auto number = place(ack.ack);
  if (number > acked_) {
    acked_ = number;
    duplicate_acks_ = 0;
    rtt_.acknowledged(number, ack.time,
                      options.timestamps ? std::optional(options.timestamps->echo) : std::nullopt);
  } else if (number == acked_ && acked_ < top_ && ack.length == 0 && !ack.has(kSyn | kFin | kRst) &&
             ++duplicate_acks_ == kDuplicateAcks) {
    last_loss_ = ack.time;
  }
  if (options.sack) {
    last_loss_ = ack.time;
  }
}

std::uint64_t Direction::place_ssn(std::uint32_t ssn, std::uint64_t near) {
  std::uint32_t shift = 0;
  if (!syn_seen_) {
    // The segment may be a later one of its mapping: the least difference is right.
    const auto difference = static_cast<std::uint32_t>(near) - ssn;
    if (!ssn_shift_ || static_cast<std::int32_t>(difference - *ssn_shift_) < 0) {
      ssn_shift_ = difference;
    }
    shift = *ssn_shift_;
  }
  const auto difference = static_cast<std::int32_t>(ssn + shift - static_cast<std::uint32_t>(near));
  return near + static_cast<std::uint64_t>(static_cast<std::int64_t>(difference));
}

std::uint64_t Direction::missed() const {
  if (!syn_seen_ || acked_ <= kStart + 1) {
    return 0;
  }
  const auto acked = acked_ - kStart - 1 - (fin_ ? 1 : 0);
  return acked > counts_.unique_bytes ? acked - counts_.unique_bytes : 0;
}

}  // namespace tcpopt::mptcpstat
