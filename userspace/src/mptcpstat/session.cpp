// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/session.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

Session::Session(Budget& budget, const Limits& limits, std::uint64_t session_number, Time time)
    : number(session_number),
      first(time),
      last(time),
      data{DataStream{budget, limits}, DataStream{budget, limits}},
      budget_(&budget),
      limits_(&limits) {}

Subflow* Session::add_subflow(Kind kind, EndIndex opener, const std::array<Endpoint, 2>& endpoints,
                              Time time) {
  if (subflows.size() >= limits_->subflows_of_session) {
    ++subflows_dropped;
    return nullptr;
  }
  auto subflow = std::make_unique<Subflow>(*budget_, *limits_,
                                           std::array{&data[0].checksums, &data[1].checksums});
  subflow->id = static_cast<std::uint32_t>(subflows.size());
  subflow->kind = kind;
  subflow->opener = opener;
  subflow->ends = endpoints;
  subflow->first = subflow->last = time;
  subflows.push_back(std::move(subflow));
  return subflows.back().get();
}

void Session::set_key(EndIndex end, std::uint64_t key) {
  auto& state = ends.at(end);
  if (state.key) {
    return;
  }
  state.key = key;
  const auto digest = digest_key(key, version.value_or(1));
  state.token = digest.token;
  data.at(end).set_initial(digest.idsn);
}

void Session::segment(Subflow& subflow, EndIndex from, const Segment& segment,
                      const TcpOptions& options) {
  last = std::max(last, segment.time);
  subflow.last = std::max(subflow.last, segment.time);
  if (subflow.sent.at(from).is_copy(segment)) {
    return;
  }
  malformed += options.malformed + (options.broken ? 1 : 0);
  unknown += options.unknown;
  experimental += options.experimental;
  handshake(subflow, from, segment, options);
  look_for_fallback(subflow, from, segment, options);
  const auto payload = subflow.sent.at(from).sent(segment, options, subflow.usual_rtt(), fresh_);
  if (segment.has(kAck)) {
    subflow.sent.at(other(from)).acknowledged(segment, options);
  }
  signals(subflow, from, segment, options);
  data_sequence(subflow, from, segment, options, payload);
  if (segment.has(kRst) && !subflow.reset_by) {
    subflow.reset_by = from;
    subflow.reset_reason = options.rst;
    subflow.reset_with_fastclose = options.fastclose.has_value();
  }
}

void Session::data_sequence(Subflow& subflow, EndIndex from, const Segment& segment,
                            const TcpOptions& options, Range payload) {
  auto& stream = data.at(from);
  if (options.dss) {
    if (options.dss->ack) {
      auto& acked = data.at(other(from));
      if (const auto place = acked.place(*options.dss->ack, options.dss->ack_is_64)) {
        acked.acknowledged(*place);
      }
      if (!fully_established && from == 1 && subflow.kind == Kind::Initial) {
        fully_established = segment.time;
      }
    }
    if (options.dss->mapping) {
      map(subflow, from, *options.dss->mapping, options.dss->data_fin, segment, payload);
    }
  } else if (options.capable && options.capable->data_length && segment.length != 0) {
    // The first data's mapping is implicit (RFC 8684, section 3.1): all from the first byte on.
    if (const auto key = ends.at(from).key) {
      map(subflow, from,
          {digest_key(*key, version.value_or(1)).idsn + 1, true, 1, *options.capable->data_length,
           options.capable->data_checksum},
          false, segment, payload);
    }
  }
  if (segment.length == 0) {
    return;
  }
  subflow.last_data = segment.time;
  auto& mappings = subflow.mappings.at(from);
  mappings.feed(payload, segment.payload);
  std::uint64_t reinjected_bytes = 0;
  const auto before = stream.counts.bytes;
  for (const auto& part : fresh_) {
    const auto unmapped = mappings.translate(part, [&](Range range) {
      stream.sent(range, subflow.id, segment.time, [&](const Interval& known) {
        reinjected_bytes += known.end - known.begin;
        reinjected(from, known, segment.time);
      });
    });
    stream.counts.unmapped_bytes += unmapped;
  }
  stream.counts.reinjections += reinjected_bytes != 0 ? 1 : 0;
  stream.counts.reinjected_bytes += reinjected_bytes;
  if (stream.counts.bytes != before) {
    last_data = segment.time;
  }
}

void Session::map(Subflow& subflow, EndIndex from, const DataMapping& mapping, bool data_fin,
                  const Segment& segment, Range payload) {
  auto& stream = data.at(from);
  if (mapping.length == 0) {
    infinite_ = true;
    fall_back(
        ends[0].mp_fails + ends[1].mp_fails != 0 ? Fallback::MpFail : Fallback::InfiniteMapping,
        segment.time);
    return;
  }
  const auto dsn = stream.place(mapping.dsn, mapping.dsn_is_64);
  if (!dsn) {
    return;
  }
  if (data_fin) {
    stream.finished(*dsn + mapping.length - 1);
  }
  const std::uint32_t length = mapping.length - (data_fin ? 1U : 0U);
  if (length == 0 || segment.length == 0) {
    return;
  }
  subflow.mappings.at(from).add({subflow.sent.at(from).place_ssn(mapping.ssn, payload.begin), *dsn,
                                 length, mapping.checksum, stream.on_wire(*dsn), mapping.ssn,
                                 mapping.length});
}

void Session::reinjected(EndIndex from, const Interval& part, Time time) {
  data.at(from).counts.causes.at(static_cast<std::size_t>(cause(from, part, time))) +=
      part.end - part.begin;
}

Cause Session::cause(EndIndex from, const Interval& part, Time time) const {
  if (part.owner >= subflows.size()) {
    return Cause::Unknown;
  }
  const auto& first_one = *subflows[part.owner];
  const auto& direction = first_one.sent.at(from);
  if (first_one.reset_by || first_one.removed_by || direction.fin()) {
    return Cause::Closing;
  }
  if (part.end <= data.at(from).acked()) {
    return Cause::Acked;
  }
  if (direction.last_timeout() >= part.time && direction.last_timeout() != 0) {
    return Cause::Timeout;
  }
  const auto rtt = first_one.usual_rtt().value_or(0);
  const auto waited = time - part.time;
  if (waited >= std::max(kShortestRto, 2 * rtt)) {
    return Cause::Timeout;
  }
  if (direction.last_loss() >= part.time && direction.last_loss() != 0) {
    return Cause::Loss;
  }
  return Cause::Early;
}

void Session::release() {
  for (auto& stream : data) {
    stream.release();
  }
  for (auto& subflow : subflows) {
    for (EndIndex end = 0; end < 2; ++end) {
      subflow->sent.at(end).release();
      subflow->mappings.at(end).close();
    }
  }
}

bool Session::over() const {
  if (subflows_dropped != 0) {
    return false;  // one of those may be alive
  }
  return std::all_of(subflows.begin(), subflows.end(),
                     [](const auto& subflow) { return subflow->over(); });
}

End Session::how_ended() const {
  if (ends[0].fastclose || ends[1].fastclose) {
    return End::Fastclose;
  }
  if (data[0].fin() && data[1].fin()) {
    return End::DataFin;
  }
  if (over() && !subflows.empty()) {
    const auto last_one =
        std::max_element(subflows.begin(), subflows.end(),
                         [](const auto& a, const auto& b) { return a->last < b->last; });
    return (*last_one)->reset_by ? End::Reset : End::Closed;
  }
  return forced_end.value_or(End::Open);
}

std::optional<Time> Session::rtt_spread() const {
  std::optional<Time> least;
  std::optional<Time> most;
  std::size_t count = 0;
  for (const auto& subflow : subflows) {
    if (subflow->state() != SubflowState::Established) {
      continue;
    }
    if (const auto rtt = subflow->rtt()) {
      least = std::min(least.value_or(*rtt), *rtt);
      most = std::max(most.value_or(*rtt), *rtt);
      ++count;
    }
  }
  return count < 2 ? std::nullopt : std::optional(*most - *least);
}

Unused Session::unused(const Subflow& subflow) const {
  if (subflow.bytes() != 0 || subflow.state() != SubflowState::Established) {
    return Unused::No;
  }
  if (subflow.backup[0] || subflow.backup[1]) {
    return Unused::Backup;
  }
  if (!last_data || *last_data < *subflow.established()) {
    return Unused::TooLate;
  }
  const auto own = subflow.handshake_rtt();
  const auto faster = [&own](const auto& one) {
    const auto rtt = one->handshake_rtt();
    return one->bytes() == 0 || (rtt && own && *rtt < *own);
  };
  return own && std::all_of(subflows.begin(), subflows.end(), faster) ? Unused::Slower
                                                                      : Unused::Other;
}

std::size_t Session::established_subflows() const {
  return static_cast<std::size_t>(std::count_if(
      subflows.begin(), subflows.end(),
      [](const auto& subflow) { return subflow->state() == SubflowState::Established; }));
}

std::uint64_t Session::forgotten() const {
  auto count = data[0].forgotten() + data[1].forgotten();
  for (const auto& subflow : subflows) {
    count += subflow->sent[0].forgotten() + subflow->sent[1].forgotten();
  }
  return count;
}

}  // namespace tcpopt::mptcpstat
