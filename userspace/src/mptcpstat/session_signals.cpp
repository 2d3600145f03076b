// SPDX-License-Identifier: GPL-2.0-or-later
// The handshakes of a session, and what its ends tell each other beside data.
#include <algorithm>

#include "mptcpstat/session.h"

namespace tcpopt::mptcpstat {

void Session::handshake(Subflow& subflow, EndIndex from, const Segment& segment,
                        const TcpOptions& options) {
  auto& times = subflow.handshake;
  const bool opener = from == subflow.opener;
  if (segment.has(kSyn) && !segment.has(kAck) && opener) {
    times.repeated = times.repeated || times.syn;
    times.syn = times.syn.value_or(segment.time);
  } else if (segment.has(kSyn) && segment.has(kAck) && !opener) {
    times.repeated = times.repeated || times.syn_ack;
    times.syn_ack = times.syn_ack.value_or(segment.time);
    subflow.answered_without_option =
        segment.options_whole && (subflow.kind == Kind::Join ? !options.join : !options.capable);
  } else if (!segment.has(kSyn | kRst) && opener && times.syn_ack && !times.ack) {
    times.ack = segment.time;
  }
  if (options.capable && subflow.kind != Kind::Join) {
    capable(subflow, from, segment, *options.capable);
  }
  if (options.join) {
    join(subflow, from, segment, *options.join);
  }
}

void Session::capable(Subflow& subflow, EndIndex from, const Segment& segment,
                      const MpCapable& capable) {
  auto& end = ends.at(from);
  if (segment.has(kSyn)) {
    start_seen = true;
    subflow.kind = Kind::Initial;
    end.wants_checksum = end.wants_checksum || capable.checksum;
    end.no_join_here = capable.no_join_here;
    if (from == 1 || !version) {
      version = capable.version;
    }
  }
  if (!version) {
    version = capable.version;
  }
  if (capable.sender_key) {
    set_key(from, *capable.sender_key);
  }
  if (capable.receiver_key) {
    set_key(other(from), *capable.receiver_key);
  }
}

void Session::join(Subflow& subflow, EndIndex from, const Segment& segment, const MpJoin& join) {
  if (join.step == MpJoin::Step::Ack) {
    check_hmac(subflow, from, join);
    return;
  }
  if (!segment.has(kSyn)) {
    return;
  }
  subflow.backup.at(from) = join.backup;
  subflow.address_ids.at(from) = join.address_id;
  subflow.nonces.at(from) = join.nonce;
  if (join.step == MpJoin::Step::SynAck) {
    check_hmac(subflow, from, join);
    joined(subflow);
  }
}

void Session::check_hmac(Subflow& subflow, EndIndex from, const MpJoin& join) {
  const auto own = ends.at(from).key;
  const auto peer = ends.at(other(from)).key;
  if (!own || !peer || !version || subflow.hmac == HmacState::Wrong || !subflow.handshake.syn ||
      !subflow.handshake.syn_ack) {
    return;
  }
  const auto wanted =
      join_hmac(*version, {*own, subflow.nonces.at(from)}, {*peer, subflow.nonces.at(other(from))});
  const std::ptrdiff_t size = join.step == MpJoin::Step::SynAck ? 8 : 20;
  subflow.hmac = std::equal(wanted.begin(), wanted.begin() + size, join.hmac.begin())
                     ? HmacState::Right
                     : HmacState::Wrong;
}

void Session::fall_back(Fallback why, Time time) {
  if (fallback == Fallback::No) {
    fallback = why;
    fell_back = time;
  }
}

void Session::look_for_fallback(Subflow& subflow, EndIndex from, const Segment& segment,
                                const TcpOptions& options) {
  if (subflow.kind == Kind::Join || !start_seen || !segment.options_whole || segment.has(kRst)) {
    return;
  }
  if (segment.has(kSyn)) {
    if (!options.capable && !segment.has(kAck)) {
      fall_back(Fallback::PlainSyn, segment.time);
    } else if (!options.capable && from != subflow.opener) {
      fall_back(Fallback::NoOptionInSynAck, segment.time);
    }
    return;
  }
  auto& seen = subflow.mptcp_seen.at(from);
  seen = seen || options.mptcp;
  // The ACK of the handshake and the first data of each end must have one.
  const bool must = segment.length != 0 || (from == subflow.opener && subflow.handshake.ack);
  if (!seen && must && subflow.handshake.syn_ack) {
    fall_back(Fallback::NoOptionLater, segment.time);
  }
}

void Session::signals(Subflow& subflow, EndIndex from, const Segment& segment,
                      const TcpOptions& options) {
  auto& end = ends.at(from);
  for (std::size_t i = 0; i < options.add_addrs; ++i) {
    announced(from, options.add_addr.at(i), segment.time);
  }
  if (options.remove_addr) {
    removed(from, *options.remove_addr);
  }
  if (options.prio) {
    ++end.priorities;
    subflow.backup.at(from) = options.prio->backup;
  }
  if (options.fail) {
    ++end.mp_fails;
    if (infinite_ || subflows.size() == 1) {
      // Without another subflow, this is the way to plain TCP (RFC 8684, section 3.7).
      fall_back(Fallback::MpFail, segment.time);
    }
  }
  if (options.fastclose) {
    end.fastclose = true;
    if (!ends.at(other(from)).key) {
      set_key(other(from), *options.fastclose);
    }
  }
}

void Session::announced(EndIndex from, const AddAddr& add, Time time) {
  // An echo repeats what the other end announced.
  const auto by = add.echo ? other(from) : from;
  const auto known =
      std::find_if(announcements.begin(), announcements.end(), [&](const Announcement& one) {
        return one.by == by && one.address_id == add.address_id && !one.removed &&
               one.endpoint.address == add.address && one.endpoint.port == add.port.value_or(0);
      });
  if (known != announcements.end()) {
    known->echoed = known->echoed || add.echo;
    known->times += add.echo ? 0 : 1;
    return;
  }
  if (announcements.size() >= limits_->addresses_of_session) {
    ++announcements_dropped;
    return;
  }
  Announcement one;
  one.by = by;
  one.address_id = add.address_id;
  one.endpoint = {add.address, add.port.value_or(0)};
  one.time = time;
  one.times = add.echo ? 0 : 1;
  one.echoed = add.echo;
  const auto own = ends.at(by).key;
  const auto peer = ends.at(other(by)).key;
  if (add.hmac && own && peer && version.value_or(0) >= 1) {
    one.hmac = add_addr_hmac(*own, *peer, add) == *add.hmac ? HmacState::Right : HmacState::Wrong;
  }
  announcements.push_back(one);
}

void Session::removed(EndIndex from, const RemoveAddr& remove) {
  ++ends.at(from).removals;
  for (std::size_t i = 0; i < remove.count; ++i) {
    const auto id = remove.ids.at(i);
    for (auto& one : announcements) {
      one.removed = one.removed || (one.by == from && one.address_id == id);
    }
    for (auto& subflow : subflows) {
      // The initial subflow's addresses have the number 0.
      const auto own = subflow->address_ids.at(from).value_or(0);
      if (own == id && !subflow->removed_by) {
        subflow->removed_by = from;
      }
    }
  }
}

void Session::joined(const Subflow& subflow) {
  const auto announcer = other(subflow.opener);
  for (auto& one : announcements) {
    if (one.by != announcer || one.removed) {
      continue;
    }
    // Behind a NAT the address differs, the number does not.
    const bool same_number = subflow.address_ids.at(announcer) == one.address_id;
    const bool same_address =
        subflow.ends.at(announcer).address == one.endpoint.address &&
        (one.endpoint.port == 0 || one.endpoint.port == subflow.ends.at(announcer).port);
    one.joined = one.joined || same_number || same_address;
  }
}

}  // namespace tcpopt::mptcpstat
