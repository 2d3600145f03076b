// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tuple>

#include "mptcpstat/names.h"
#include "mptcpstat/output.h"

namespace tcpopt::mptcpstat {

namespace {

using Json = nlohmann::ordered_json;

double seconds(Time time) { return static_cast<double>(time) / static_cast<double>(kSecond); }

template <class T>
Json maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json maybe_seconds(const std::optional<Time>& value) {
  return value ? Json(seconds(*value)) : Json();
}

template <std::size_t N, class Enum>
Json by_name(const std::array<std::uint64_t, N>& counts, Enum /*which*/, std::size_t from = 0) {
  Json object = Json::object();
  for (std::size_t i = from; i < N; ++i) {
    object[std::string{name(static_cast<Enum>(i))}] = counts.at(i);
  }
  return object;
}

Json rtt_json(const RttSamples& samples) {
  if (samples.count == 0) {
    return {{"samples", 0}};
  }
  return {{"samples", samples.count},
          {"min_s", seconds(samples.min)},
          {"avg_s", seconds(*samples.average())},
          {"max_s", seconds(samples.max)}};
}

Json checksum_json(const ChecksumCounts& counts) {
  return {{"right", counts.right}, {"wrong", counts.wrong}, {"unchecked", counts.unchecked}};
}

Json direction_json(const Direction& direction) {
  const auto& counts = direction.counts();
  return {{"segments", counts.segments},
          {"payload_bytes", counts.bytes},
          {"unique_bytes", counts.unique_bytes},
          {"missed_bytes", direction.missed()},
          {"retransmissions", counts.retransmissions},
          {"retransmitted_bytes", counts.retransmitted_bytes},
          {"retransmissions_after_timeout", counts.timeouts},
          {"retransmissions_of_lost_before_capture", counts.filled_holes},
          {"reordered", counts.reordered},
          {"reordered_bytes", counts.reordered_bytes},
          {"keepalives", counts.keepalives},
          {"captured_twice", counts.captured_twice},
          {"rtt_to_other_end", rtt_json(direction.rtt())}};
}

Json subflow_json(const Session& session, const Subflow& subflow) {
  Json reset;
  if (subflow.reset_by) {
    reset = {{"by", *subflow.reset_by}, {"with_fastclose", subflow.reset_with_fastclose}};
    if (subflow.reset_reason) {
      reset["reason"] = subflow.reset_reason->reason;
      reset["reason_text"] = reset_reason(subflow.reset_reason->reason);
      reset["transient"] = subflow.reset_reason->transient();
    }
  }
  Json ends = Json::array();
  for (EndIndex end = 0; end < 2; ++end) {
    const auto& endpoint = subflow.ends.at(end);
    Json one{{"address", endpoint.address.text()},
             {"port", endpoint.port},
             {"address_id", maybe(subflow.address_ids.at(end))},
             {"backup", subflow.backup.at(end)}};
    one.update(direction_json(subflow.sent.at(end)));
    ends.push_back(one);
  }
  return {{"id", subflow.id},
          {"kind", name(subflow.kind)},
          {"state", name(subflow.state())},
          {"opened_by", subflow.opener},
          {"first_s", seconds(subflow.first)},
          {"duration_s", seconds(subflow.last - subflow.first)},
          {"join_delay_s", maybe_seconds(join_delay(session, subflow))},
          {"join_delay_after_established_s",
           maybe_seconds(join_delay_after_established(session, subflow))},
          {"hmac", name(subflow.hmac)},
          {"handshake_rtt_s", maybe_seconds(subflow.handshake_rtt())},
          {"rtt_s", maybe_seconds(subflow.rtt())},
          {"unused", name(session.unused(subflow))},
          {"address_removed_by", maybe(subflow.removed_by)},
          {"reset", reset},
          {"ends", ends}};
}

Json announcement_json(const Announcement& one) {
  return {{"by", one.by},
          {"address_id", one.address_id},
          {"address", one.endpoint.address.text()},
          {"port", one.endpoint.port != 0 ? Json(one.endpoint.port) : Json()},
          {"time_s", seconds(one.time)},
          {"times", one.times},
          {"echoed", one.echoed},
          {"hmac", name(one.hmac)},
          {"joined", one.joined},
          {"removed", one.removed}};
}

Json end_json(const Session& session, EndIndex end) {
  const auto& state = session.ends.at(end);
  const auto& stream = session.data.at(end);
  const auto& counts = stream.counts;
  return {{"token", state.token ? Json(fmt::format("{:08x}", *state.token)) : Json()},
          {"key", state.key ? Json(fmt::format("{:016x}", *state.key)) : Json()},
          {"requires_checksum", state.wants_checksum},
          {"no_join_to_initial_address", state.no_join_here},
          {"data_bytes", counts.bytes},
          {"data_reordered", counts.reordered},
          {"data_reordered_bytes", counts.reordered_bytes},
          {"data_reordered_furthest_bytes", counts.furthest},
          {"reinjections", counts.reinjections},
          {"reinjected_bytes", counts.reinjected_bytes},
          {"reinjected_bytes_by_cause", by_name(counts.causes, Cause::Unknown)},
          {"repeated_bytes", counts.repeated_bytes},
          {"unmapped_bytes", counts.unmapped_bytes},
          {"data_numbers_out_of_range", counts.out_of_range},
          {"checksums", checksum_json(stream.checksums)},
          {"data_fin", stream.fin()},
          {"data_fin_acked", stream.fin_acked()},
          {"mp_fail", state.mp_fails},
          {"mp_prio", state.priorities},
          {"remove_addr", state.removals},
          {"fastclose", state.fastclose}};
}

Json quantiles_json(const Quantiles& values, bool times) {
  if (values.count() == 0) {
    return {{"count", 0}};
  }
  const auto as = [times](std::int64_t value) {
    return times ? Json(seconds(value)) : Json(value);
  };
  const std::string unit = times ? "_s" : "_bytes";
  return {{"count", values.count()},          {"p25" + unit, as(values.at(0.25))},
          {"p50" + unit, as(values.at(0.5))}, {"p75" + unit, as(values.at(0.75))},
          {"p90" + unit, as(values.at(0.9))}, {"p99" + unit, as(values.at(0.99))},
          {"max" + unit, as(values.max())}};
}

Json totals_json(const Totals& totals) {
  Json ports = Json::array();
  for (const auto& [port, sums] : totals.ports) {
    ports.push_back({{"port", port != 0 ? Json(port) : Json("others")},
                     {"sessions", sums.sessions},
                     {"data_bytes", sums.bytes}});
  }
  Json resets = Json::object();
  for (std::size_t i = 0; i < totals.reset_reasons.size(); ++i) {
    const auto text = i == 7   ? "others"
                      : i == 8 ? "none-given"
                               : reset_reason(static_cast<std::uint8_t>(i));
    resets[std::string{text}] = totals.reset_reasons.at(i);
  }
  return {
      {"sessions", totals.sessions},
      {"sessions_without_start", totals.without_start},
      {"version_0", totals.versions[0]},
      {"version_1", totals.versions[1]},
      {"sessions_with_1_subflow", totals.one_subflow},
      {"sessions_with_2_subflows", totals.two_subflows},
      {"sessions_with_more_subflows", totals.more_subflows},
      {"most_subflows", totals.most_subflows},
      {"ended", by_name(totals.ends, End::Open)},
      {"fallbacks", by_name(totals.fallbacks, Fallback::No, 1)},
      {"subflows", totals.subflows},
      {"joins", totals.joins},
      {"joins_by_state", by_name(totals.states, SubflowState::NoAnswer)},
      {"joins_with_wrong_hmac", totals.wrong_hmacs},
      {"unused_subflows", totals.unused},
      {"unused_by_reason", by_name(totals.unused_why, Unused::No, 1)},
      {"resets_by_reason", resets},
      {"payload_bytes", totals.payload_bytes},
      {"data_bytes", totals.data_bytes},
      {"unmapped_bytes", totals.unmapped_bytes},
      {"missed_bytes", totals.missed_bytes},
      {"retransmissions", totals.retransmissions},
      {"retransmitted_bytes", totals.retransmitted_bytes},
      {"retransmissions_after_timeout", totals.timeouts},
      {"sessions_with_retransmissions", totals.sessions_with_retransmissions},
      {"reinjections", totals.reinjections},
      {"reinjected_bytes", totals.reinjected_bytes},
      {"reinjected_bytes_by_cause", by_name(totals.causes, Cause::Unknown)},
      {"sessions_with_reinjections", totals.sessions_with_reinjections},
      {"reordered", totals.reordered},
      {"data_reordered", totals.data_reordered},
      {"add_addr", totals.announced},
      {"add_addr_echoed", totals.announced_echoed},
      {"add_addr_joined", totals.announced_joined},
      {"add_addr_wrong_hmac", totals.announced_wrong},
      {"remove_addr", totals.removals},
      {"mp_prio", totals.priorities},
      {"mp_fail", totals.mp_fails},
      {"fastclose", totals.fastcloses},
      {"sessions_with_checksums", totals.with_checksums},
      {"checksums", checksum_json(totals.checksums)},
      {"malformed_options", totals.malformed},
      {"unknown_options", totals.unknown},
      {"experimental_options", totals.experimental},
      {"captured_twice", totals.captured_twice},
      {"seen_elsewhere", totals.seen_elsewhere},
      {"duration", quantiles_json(totals.duration, true)},
      {"size", quantiles_json(totals.size, false)},
      {"join_delay", quantiles_json(totals.join_delay, true)},
      {"join_delay_after_established", quantiles_json(totals.join_delay_after_established, true)},
      {"rtt", quantiles_json(totals.rtt, true)},
      {"rtt_spread", quantiles_json(totals.rtt_spread, true)},
      {"responder_ports", ports}};
}

class JsonOutput : public Output {
 public:
  explicit JsonOutput(std::FILE* to) : to_(to) { fmt::print(to_, "{{\"sessions\": ["); }
  void session(const Session& session) override {
    fmt::print(to_, "{}{}", first_ ? "\n" : ",\n", session_json(session).dump());
    first_ = false;
  }
  void finish(const Report& report) override {
    const auto rest = report_json(report);
    fmt::print(to_, "\n],\n\"totals\": {},\n\"limits_met\": {},\n\"capture\": {}}}\n",
               rest.at("totals").dump(),
               rest.at("limits_met").dump(),  // A file's name may be anything.
               rest.at("capture").dump(-1, ' ', false, Json::error_handler_t::replace));
  }

 private:
  std::FILE* to_;
  bool first_ = true;
};

}  // namespace

Json session_json(const Session& session) {
  Json subflows = Json::array();
  for (const auto& subflow : session.subflows) {
    subflows.push_back(subflow_json(session, *subflow));
  }
  Json announcements = Json::array();
  for (const auto& one : session.announcements) {
    announcements.push_back(announcement_json(one));
  }
  Json elsewhere = Json::array();
  for (const auto& ends : session.elsewhere) {
    elsewhere.push_back({ends[0].text(), ends[1].text()});
  }
  return {{"session", session.number},
          {"version", maybe(session.version)},
          {"start_seen", session.start_seen},
          {"first_s", seconds(session.first)},
          {"duration_s", seconds(session.last - session.first)},
          {"fully_established_s", maybe_seconds(session.fully_established)},
          {"ended", name(session.how_ended())},
          {"fallback", name(session.fallback)},
          {"fell_back_s", maybe_seconds(session.fell_back)},
          {"checksums_used", session.checksums_used()},
          {"rtt_spread_s", maybe_seconds(session.rtt_spread())},
          {"subflows_established", session.established_subflows()},
          {"ends", {end_json(session, 0), end_json(session, 1)}},
          {"subflows", subflows},
          {"subflows_not_listed", session.subflows_dropped},
          {"add_addr", announcements},
          {"add_addr_not_listed", session.announcements_dropped},
          {"malformed_options", session.malformed},
          {"unknown_options", session.unknown},
          {"experimental_options", session.experimental},
          {"seen_elsewhere", session.seen_elsewhere},
          {"seen_elsewhere_as", elsewhere},
          {"ranges_forgotten", session.forgotten()}};
}

Json report_json(const Report& report) {
  const auto& capture = report.capture;
  const auto& tracker = report.tracker;
  return {{"totals", totals_json(report.totals)},
          {"limits_met",
           {{"sessions_evicted", tracker.evicted},
            {"subflows_refused", tracker.subflows_refused},
            {"tokens_refused", tracker.tokens_refused},
            {"ranges_forgotten", report.totals.forgotten},
            {"announcements_refused", report.totals.announcements_dropped}}},
          {"capture",
           {{"frames", capture.frames},
            {"bytes", capture.bytes},
            {"first_s", seconds(capture.first)},
            {"duration_s", seconds(capture.last - capture.first)},
            {"tcp", capture.tcp},
            {"mptcp_segments", tracker.mptcp_segments},
            {"plain_tcp_segments", tracker.plain_segments},
            {"not_tcp", capture.other},
            {"fragments", capture.fragments},
            {"truncated", capture.truncated},
            {"malformed", capture.malformed},
            {"dropped", capture.dropped},
            {"ended_early", maybe(capture.ended_early)}}}};
}

std::unique_ptr<Output> json_output(std::FILE* to) { return std::make_unique<JsonOutput>(to); }

}  // namespace tcpopt::mptcpstat
