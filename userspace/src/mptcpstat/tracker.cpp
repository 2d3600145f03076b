// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/tracker.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace tcpopt::mptcpstat {

namespace {

// Places at which one subflow was seen that are kept.
constexpr std::size_t kElsewhere = 8;

std::array<Endpoint, 2> in_order(const Segment& segment, bool sender_is_0) {
  return sender_is_0 ? std::array{segment.source, segment.destination}
                     : std::array{segment.destination, segment.source};
}

}  // namespace

struct Tracker::Entry {
  Entry(Budget& budget, const Limits& limits, std::uint64_t number, Time time)
      : session(budget, limits, number, time) {}

  Session session;
  Entries::iterator place;
  bool over = false;
  std::vector<FlowKey> flows;
  std::array<std::optional<std::uint32_t>, 2> tokens;  ///< under which it can be found
};

std::size_t Tracker::FlowHash::operator()(const FlowKey& key) const {
  // Seeded, so that nobody can prepare a capture whose connections share a bucket.
  auto hash = seed;
  const auto mix = [&hash](std::uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 29;
  };
  for (const auto* end : {&key.low, &key.high}) {
    Reader reader{end->address.bytes};
    mix(reader.u64());
    mix(reader.u64());
    mix(end->port);
  }
  return hash;
}

Tracker::Tracker(const Limits& limits, Done done)
    : limits_(limits),
      done_(std::move(done)),
      budget_(limits.ranges),
      flows_(0, FlowHash{std::random_device{}() * 0x100000001ULL}) {}

Tracker::~Tracker() = default;

Tracker::FlowKey Tracker::key_of(const Segment& segment) {
  return segment.source < segment.destination ? FlowKey{segment.source, segment.destination}
                                              : FlowKey{segment.destination, segment.source};
}

Tracker::Flow* Tracker::find(const FlowKey& key) {
  const auto found = flows_.find(key);
  return found == flows_.end() ? nullptr : &found->second;
}

void Tracker::segment(const Segment& segment) {
  // A clock that went back does not bring back what is over.
  now_ = std::max(now_, segment.time);
  expire(now_);
  const auto options = parse_options(segment.options, segment.options_whole);
  const auto key = key_of(segment);
  auto* flow = find(key);
  if (segment.has(kSyn) && !segment.has(kAck)) {
    flow = on_syn(key, segment, options, flow);
  } else if (flow == nullptr && options.mptcp) {
    flow = in_the_midst(key, segment, options);
  }
  if (flow == nullptr) {
    ++(options.mptcp ? counts_.mptcp_segments : counts_.plain_segments);
    return;
  }
  ++counts_.mptcp_segments;
  if (!flow->elsewhere && !flow->refused && seen_elsewhere(*flow, segment, options)) {
    flow = find(key);
  }
  auto& entry = *flow->entry;
  if (flow->elsewhere || flow->refused) {
    entry.session.seen_elsewhere += flow->elsewhere ? 1 : 0;
    return;
  }
  const EndIndex from = (segment.source == key.low) == flow->low_is_0 ? 0 : 1;
  entry.session.segment(*flow->subflow, from, segment, options);
  note_tokens(entry);
  touch(entry);
}

Tracker::Flow* Tracker::on_syn(const FlowKey& key, const Segment& segment,
                               const TcpOptions& options, Flow* known) {
  if (known != nullptr) {
    const EndIndex from = (segment.source == key.low) == known->low_is_0 ? 0 : 1;
    if (known->elsewhere || known->refused || known->subflow->sent.at(from).is_syn(segment)) {
      return known;
    }
    // The ports are used again.
    flows_.erase(key);
  }
  if (options.join && options.join->step == MpJoin::Step::Syn) {
    return on_join(key, segment, *options.join);
  }
  if (!options.capable) {
    return nullptr;
  }
  auto& entry = add_session(segment.time);
  return add_flow(
      key, segment, entry,
      entry.session.add_subflow(Kind::Initial, 0, in_order(segment, true), segment.time),
      Initiator::Sender);
}

Tracker::Flow* Tracker::on_join(const FlowKey& key, const Segment& segment, const MpJoin& join) {
  make_room(0);
  EndIndex receiver = 1;
  auto* entry = find_token(join.token, segment.destination, receiver);
  if (entry == nullptr) {
    // The start of its session was not captured; others may join it.
    entry = &add_session(segment.time);
    entry->session.set_token(1, join.token);
    note_tokens(*entry);
  }
  const bool sender_is_0 = receiver == 1;
  for (const auto& other_one : entry->session.subflows) {
    // The nonce is random: this one was seen before it, or after it, passed a NAT.
    if (other_one->kind == Kind::Join && other_one->opener == other(receiver) &&
        other_one->handshake.syn && other_one->nonces.at(other_one->opener) == join.nonce &&
        segment.time - *other_one->handshake.syn < kSecond) {
      auto* flow = add_flow(key, segment, *entry, other_one.get(),
                            sender_is_0 ? Initiator::Sender : Initiator::Receiver);
      flow->elsewhere = true;
      if (auto& places = entry->session.elsewhere; places.size() < kElsewhere) {
        places.push_back(in_order(segment, sender_is_0));
      }
      return flow;
    }
  }
  return add_flow(key, segment, *entry,
                  entry->session.add_subflow(Kind::Join, other(receiver),
                                             in_order(segment, sender_is_0), segment.time),
                  sender_is_0 ? Initiator::Sender : Initiator::Receiver);
}

Tracker::Flow* Tracker::in_the_midst(const FlowKey& key, const Segment& segment,
                                     const TcpOptions& options) {
  // Who began: a SYN-ACK and the third ACK tell; else the lower port is a server's.
  auto initiator =
      segment.source.port < segment.destination.port ? Initiator::Receiver : Initiator::Sender;
  auto kind = Kind::Unknown;
  if (segment.has(kSyn)) {
    initiator = Initiator::Receiver;
    kind = options.capable ? Kind::Initial : Kind::Join;
  } else if (options.capable || (options.join && options.join->step == MpJoin::Step::Ack)) {
    initiator = Initiator::Sender;
    kind = options.capable ? Kind::Initial : Kind::Join;
  }
  auto& entry = add_session(segment.time);
  return add_flow(key, segment, entry,
                  entry.session.add_subflow(
                      kind, 0, in_order(segment, initiator == Initiator::Sender), segment.time),
                  initiator);
}

Tracker::Flow* Tracker::add_flow(const FlowKey& key, const Segment& segment, Entry& entry,
                                 Subflow* subflow, Initiator initiator) {
  counts_.subflows_refused += subflow == nullptr ? 1 : 0;
  const bool sender_is_low = segment.source == key.low;
  const Flow flow{&entry, subflow, sender_is_low == (initiator == Initiator::Sender), false,
                  subflow == nullptr};
  auto& placed = flows_[key];
  placed = flow;
  entry.flows.push_back(key);
  ++subflows_;
  return &placed;
}

bool Tracker::seen_elsewhere(Flow& flow, const Segment& segment, const TcpOptions& options) {
  if (!segment.has(kSyn) || !segment.has(kAck) || !options.capable ||
      !options.capable->sender_key || flow.entry->session.ends[1].key) {
    return false;
  }
  // A SYN-ACK whose key belongs to another live session: that session, before or
  // after a NAT.
  const auto version = options.capable->version;
  const auto token = digest_key(*options.capable->sender_key, version).token;
  const auto [first, last] = tokens_.equal_range(token);
  for (auto candidate = first; candidate != last; ++candidate) {
    auto& session = candidate->second->session;
    if (candidate->second != flow.entry && session.ends[1].key == *options.capable->sender_key &&
        !session.subflows.empty() && session.elsewhere.size() < kElsewhere &&
        segment.time - session.first < kSecond && flow.entry->flows.size() == 1) {
      auto* const entry = candidate->second;
      auto* const twin = flow.entry;
      const auto key = twin->flows.front();
      const Flow moved{entry, session.subflows.front().get(), flow.low_is_0, true};
      session.elsewhere.push_back(twin->session.subflows.front()->ends);
      session.seen_elsewhere += 1;
      remove(*twin);
      --counts_.sessions;
      flows_[key] = moved;
      entry->flows.push_back(key);
      ++subflows_;
      return true;
    }
  }
  return false;
}

Tracker::Entry& Tracker::add_session(Time time) {
  make_room(1);
  open_.emplace_back(budget_, limits_, ++counts_.sessions, time);
  auto& entry = open_.back();
  entry.place = std::prev(open_.end());
  return entry;
}

Tracker::Entry* Tracker::find_token(std::uint32_t token, const Endpoint& receiver,
                                    EndIndex& receiver_end) {
  const auto [first, last] = tokens_.equal_range(token);
  Entry* best = nullptr;
  int best_fit = -1;
  for (auto candidate = first; candidate != last; ++candidate) {
    auto& entry = *candidate->second;
    const EndIndex end = entry.tokens[1] == token ? 1 : 0;
    // Two hosts may use one token: addresses decide between them, then who is alive.
    const auto knows = [&](const auto& subflow) { return subflow->ends.at(end) == receiver; };
    const auto& subflows = entry.session.subflows;
    const int fit =
        (std::any_of(subflows.begin(), subflows.end(), knows) ? 2 : 0) + (entry.over ? 0 : 1);
    if (fit > best_fit) {
      best_fit = fit;
      best = &entry;
      receiver_end = end;
    }
  }
  return best;
}

void Tracker::note_tokens(Entry& entry) {
  for (EndIndex end = 0; end < 2; ++end) {
    const auto token = entry.session.ends.at(end).token;
    auto& noted = entry.tokens.at(end);
    if (!token || noted) {
      continue;
    }
    noted = token;
    if (tokens_.count(*token) >= limits_.same_token) {
      ++counts_.tokens_refused;
      continue;
    }
    tokens_.emplace(*token, &entry);
  }
}

void Tracker::touch(Entry& entry) {
  auto& from = entry.over ? over_ : open_;
  entry.over = entry.session.over();
  auto& to = entry.over ? over_ : open_;
  to.splice(to.end(), from, entry.place);
}

void Tracker::expire(Time now) {
  while (!open_.empty() && now - open_.front().session.last > limits_.idle) {
    retire(open_.front(), End::Idle);
  }
  while (!over_.empty() && now - over_.front().session.last > limits_.linger) {
    retire(over_.front(), std::nullopt);
  }
}

void Tracker::make_room(std::size_t sessions) {
  while (live_sessions() + sessions > limits_.sessions || subflows_ >= limits_.subflows) {
    if (!over_.empty()) {
      retire(over_.front(), std::nullopt);
    } else if (!open_.empty()) {
      ++counts_.evicted;
      retire(open_.front(), End::Evicted);
    } else {
      return;
    }
  }
}

void Tracker::retire(Entry& entry, std::optional<End> why) {
  entry.session.forced_end = why;
  entry.session.release();
  done_(entry.session);
  remove(entry);
}

void Tracker::remove(Entry& entry) {
  for (const auto& key : entry.flows) {
    const auto flow = flows_.find(key);
    if (flow != flows_.end() && flow->second.entry == &entry) {
      flows_.erase(flow);
    }
  }
  subflows_ -= std::min(subflows_, entry.flows.size());
  for (const auto& token : entry.tokens) {
    if (!token) {
      continue;
    }
    const auto [first, last] = tokens_.equal_range(*token);
    for (auto one = first; one != last;) {
      one = one->second == &entry ? tokens_.erase(one) : std::next(one);
    }
  }
  (entry.over ? over_ : open_).erase(entry.place);
}

void Tracker::finish() {
  std::vector<Entry*> left;
  for (auto* list : {&open_, &over_}) {
    for (auto& entry : *list) {
      left.push_back(&entry);
    }
  }
  std::sort(left.begin(), left.end(), [](const Entry* a, const Entry* b) {
    return std::pair{a->session.first, a->session.number} <
           std::pair{b->session.first, b->session.number};
  });
  for (auto* entry : left) {
    retire(*entry, std::nullopt);
  }
}

}  // namespace tcpopt::mptcpstat
