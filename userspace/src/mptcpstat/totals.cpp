// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/totals.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

namespace {

// Servers have few; a scan has many.
constexpr std::size_t kPorts = 64;

template <class Enum, std::size_t N>
void count(std::array<std::uint64_t, N>& counts, Enum value, std::uint64_t by = 1) {
  counts.at(static_cast<std::size_t>(value)) += by;
}

}  // namespace

std::optional<Time> join_delay(const Session& session, const Subflow& subflow) {
  if (subflow.kind != Kind::Join || !session.start_seen || !subflow.handshake.syn) {
    return std::nullopt;
  }
  return *subflow.handshake.syn - session.first;
}

std::optional<Time> join_delay_after_established(const Session& session, const Subflow& subflow) {
  if (!join_delay(session, subflow) || !session.fully_established) {
    return std::nullopt;
  }
  return *subflow.handshake.syn - *session.fully_established;
}

void Totals::add(const Session& session) {
  ++sessions;
  without_start += session.start_seen ? 0 : 1;
  if (session.version) {
    ++versions.at(std::min<std::size_t>(*session.version, 1));
  }
  const auto used = session.established_subflows();
  one_subflow += used <= 1 ? 1 : 0;
  two_subflows += used == 2 ? 1 : 0;
  more_subflows += used > 2 ? 1 : 0;
  most_subflows = std::max<std::uint64_t>(most_subflows, used);
  count(fallbacks, session.fallback);
  count(ends, session.how_ended());
  duration.add(session.last - session.first);
  std::uint64_t bytes = 0;
  std::uint64_t again = 0;
  std::uint64_t reinjected = 0;
  for (EndIndex end = 0; end < 2; ++end) {
    const auto& stream = session.data.at(end);
    bytes += stream.counts.bytes;
    unmapped_bytes += stream.counts.unmapped_bytes;
    data_reordered += stream.counts.reordered;
    reinjections += stream.counts.reinjections;
    reinjected += stream.counts.reinjected_bytes;
    for (std::size_t i = 0; i < kCauses; ++i) {
      causes.at(i) += stream.counts.causes.at(i);
    }
    checksums.right += stream.checksums.right;
    checksums.wrong += stream.checksums.wrong;
    checksums.unchecked += stream.checksums.unchecked;
    const auto& state = session.ends.at(end);
    mp_fails += state.mp_fails;
    priorities += state.priorities;
    removals += state.removals;
    fastcloses += state.fastclose ? 1 : 0;
  }
  data_bytes += bytes;
  size.add(static_cast<std::int64_t>(bytes));
  reinjected_bytes += reinjected;
  with_checksums += session.checksums_used() ? 1 : 0;
  for (const auto& subflow : session.subflows) {
    add_subflow(session, *subflow);
    again += subflow->sent[0].counts().retransmissions + subflow->sent[1].counts().retransmissions;
  }
  sessions_with_reinjections += reinjected != 0 ? 1 : 0;
  sessions_with_retransmissions += used > 1 && again != 0 ? 1 : 0;
  for (const auto& one : session.announcements) {
    ++announced;
    announced_echoed += one.echoed ? 1 : 0;
    announced_joined += one.joined ? 1 : 0;
    announced_wrong += one.hmac == HmacState::Wrong ? 1 : 0;
  }
  if (const auto spread = session.rtt_spread()) {
    rtt_spread.add(*spread);
  }
  malformed += session.malformed;
  unknown += session.unknown;
  experimental += session.experimental;
  seen_elsewhere += session.seen_elsewhere;
  forgotten += session.forgotten();
  announcements_dropped += session.announcements_dropped;
  if (!session.subflows.empty()) {
    const auto port = session.subflows.front()->ends[1].port;
    auto& totals = ports[ports.contains(port) || ports.size() < kPorts ? port : std::uint16_t{0}];
    ++totals.sessions;
    totals.bytes += bytes;
  }
}

void Totals::add_subflow(const Session& session, const Subflow& subflow) {
  ++subflows;
  const auto state = subflow.state();
  if (subflow.kind == Kind::Join) {
    ++joins;
    count(states, state);
    wrong_hmacs += subflow.hmac == HmacState::Wrong ? 1 : 0;
    if (const auto delay = mptcpstat::join_delay(session, subflow);
        delay && state == SubflowState::Established) {
      join_delay.add(*delay);
      if (const auto after = mptcpstat::join_delay_after_established(session, subflow)) {
        join_delay_after_established.add(*after);
      }
    }
  }
  const auto why = session.unused(subflow);
  unused += why != Unused::No ? 1 : 0;
  count(unused_why, why);
  if (subflow.reset_by) {
    ++reset_reasons.at(subflow.reset_reason ? std::min<std::size_t>(subflow.reset_reason->reason, 7)
                                            : std::size_t{8});
  }
  if (const auto time = subflow.rtt()) {
    rtt.add(*time);
  }
  for (const auto& direction : subflow.sent) {
    const auto& counts = direction.counts();
    payload_bytes += counts.unique_bytes;
    missed_bytes += direction.missed();
    retransmissions += counts.retransmissions;
    retransmitted_bytes += counts.retransmitted_bytes;
    timeouts += counts.timeouts;
    reordered += counts.reordered;
    captured_twice += counts.captured_twice;
  }
}

}  // namespace tcpopt::mptcpstat
