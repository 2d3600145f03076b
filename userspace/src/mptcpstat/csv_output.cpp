// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "mptcpstat/names.h"
#include "mptcpstat/output.h"

namespace tcpopt::mptcpstat {

namespace {

/// Column and value; no value of ours needs quotes.
using Row = std::vector<std::pair<std::string, std::string>>;

std::string csv_time(Time time) {
  return fmt::format("{:.9f}", static_cast<double>(time) / static_cast<double>(kSecond));
}

std::string csv_time(const std::optional<Time>& time) { return time ? csv_time(*time) : ""; }

std::string csv_token(const Session& session, EndIndex end) {
  const auto token = session.ends.at(end).token;
  return token ? fmt::format("{:08x}", *token) : "";
}

template <class Number>
std::string csv(Number number) {
  return fmt::format("{}", number);
}

Row session_row(const Session& session) {
  std::optional<Time> first_join;
  std::optional<Time> last_join;
  std::uint64_t joins = 0;
  std::uint64_t unused = 0;
  std::array<std::uint64_t, 2> retransmitted{};
  std::array<std::uint64_t, 2> reordered{};
  std::array<std::uint64_t, 2> payload{};
  std::uint64_t initial_bytes = 0;
  std::vector<Time> rtts;
  for (const auto& subflow : session.subflows) {
    unused += session.unused(*subflow) != Unused::No ? 1 : 0;
    for (EndIndex end = 0; end < 2; ++end) {
      const auto& counts = subflow->sent.at(end).counts();
      retransmitted.at(end) += counts.retransmitted_bytes;
      reordered.at(end) += counts.reordered;
      payload.at(end) += counts.unique_bytes;
    }
    if (subflow->kind == Kind::Initial) {
      initial_bytes += subflow->bytes();
    }
    if (const auto rtt = subflow->rtt(); rtt && subflow->established()) {
      rtts.push_back(*rtt);
    }
    if (subflow->kind != Kind::Join || subflow->state() != SubflowState::Established) {
      continue;
    }
    ++joins;
    if (const auto delay = join_delay(session, *subflow)) {
      first_join = std::min(first_join.value_or(*delay), *delay);
      last_join = std::max(last_join.value_or(*delay), *delay);
    }
  }
  std::sort(rtts.begin(), rtts.end());
  const auto& ends = session.subflows.front()->ends;
  const auto& a = session.data[0];
  const auto& b = session.data[1];
  const auto joined = std::count_if(session.announcements.begin(), session.announcements.end(),
                                    [](const auto& one) { return one.joined; });
  return {{"session", csv(session.number)},
          {"version", session.version ? csv(*session.version) : ""},
          {"token_0", csv_token(session, 0)},
          {"token_1", csv_token(session, 1)},
          {"address_0", ends[0].address.text()},
          {"port_0", csv(ends[0].port)},
          {"address_1", ends[1].address.text()},
          {"port_1", csv(ends[1].port)},
          {"start_seen", csv(session.start_seen ? 1 : 0)},
          {"first_s", csv_time(session.first)},
          {"duration_s", csv_time(session.last - session.first)},
          {"ended", std::string{name(session.how_ended())}},
          {"fallback", std::string{name(session.fallback)}},
          {"subflows", csv(session.subflows.size() + session.subflows_dropped)},
          {"subflows_established", csv(session.established_subflows())},
          {"joins", csv(joins)},
          {"first_join_s", csv_time(first_join)},
          {"last_join_s", csv_time(last_join)},
          {"rtt_best_s", rtts.empty() ? "" : csv_time(rtts[0])},
          {"rtt_second_s", rtts.size() < 2 ? "" : csv_time(rtts[1])},
          {"rtt_spread_s", csv_time(session.rtt_spread())},
          {"data_bytes_0", csv(a.counts.bytes)},
          {"data_bytes_1", csv(b.counts.bytes)},
          {"payload_bytes_0", csv(payload[0])},
          {"payload_bytes_1", csv(payload[1])},
          {"initial_subflow_bytes", csv(initial_bytes)},
          {"unused_subflows", csv(unused)},
          {"retransmitted_bytes_0", csv(retransmitted[0])},
          {"retransmitted_bytes_1", csv(retransmitted[1])},
          {"reinjected_bytes_0", csv(a.counts.reinjected_bytes)},
          {"reinjected_bytes_1", csv(b.counts.reinjected_bytes)},
          {"reordered_0", csv(reordered[0])},
          {"reordered_1", csv(reordered[1])},
          {"data_reordered_0", csv(a.counts.reordered)},
          {"data_reordered_1", csv(b.counts.reordered)},
          {"add_addr", csv(session.announcements.size())},
          {"add_addr_joined", csv(joined)},
          {"checksums_used", csv(session.checksums_used() ? 1 : 0)},
          {"checksums_right", csv(a.checksums.right + b.checksums.right)},
          {"checksums_wrong", csv(a.checksums.wrong + b.checksums.wrong)}};
}

Row subflow_row(const Session& session, const Subflow& subflow) {
  Row row{
      {"session", csv(session.number)},
      {"token_0", csv_token(session, 0)},
      {"token_1", csv_token(session, 1)},
      {"subflow", csv(subflow.id)},
      {"kind", std::string{name(subflow.kind)}},
      {"state", std::string{name(subflow.state())}},
      {"opened_by", csv(subflow.opener)},
      {"first_s", csv_time(subflow.first)},
      {"duration_s", csv_time(subflow.last - subflow.first)},
      {"join_delay_s", csv_time(join_delay(session, subflow))},
      {"join_delay_after_established_s", csv_time(join_delay_after_established(session, subflow))},
      {"handshake_rtt_s", csv_time(subflow.handshake_rtt())},
      {"rtt_s", csv_time(subflow.rtt())},
      {"unused", std::string{name(session.unused(subflow))}},
      {"hmac", std::string{name(subflow.hmac)}},
      {"reset_by", subflow.reset_by ? csv(*subflow.reset_by) : ""},
      {"reset_reason", subflow.reset_reason ? csv(subflow.reset_reason->reason) : ""}};
  for (EndIndex end = 0; end < 2; ++end) {
    const auto& direction = subflow.sent.at(end);
    const auto& counts = direction.counts();
    const auto add = [&row, end](const char* column, std::string value) {
      row.emplace_back(fmt::format("{}_{}", column, end), std::move(value));
    };
    const auto id = subflow.address_ids.at(end);
    add("address", subflow.ends.at(end).address.text());
    add("port", csv(subflow.ends.at(end).port));
    add("address_id", id ? csv(*id) : "");
    add("backup", csv(subflow.backup.at(end) ? 1 : 0));
    add("segments", csv(counts.segments));
    add("payload_bytes", csv(counts.bytes));
    add("unique_bytes", csv(counts.unique_bytes));
    add("missed_bytes", csv(direction.missed()));
    add("retransmissions", csv(counts.retransmissions));
    add("retransmitted_bytes", csv(counts.retransmitted_bytes));
    add("reordered", csv(counts.reordered));
    add("rtt_samples", csv(direction.rtt().count));
    add("rtt_min_s", direction.rtt().count != 0 ? csv_time(direction.rtt().min) : "");
    add("rtt_avg_s", csv_time(direction.rtt().average()));
    add("rtt_max_s", direction.rtt().count != 0 ? csv_time(direction.rtt().max) : "");
  }
  return row;
}

class CsvOutput : public Output {
 public:
  CsvOutput(std::FILE* to, Rows rows) : to_(to), rows_(rows) {}
  void session(const Session& session) override {
    if (session.subflows.empty()) {
      return;
    }
    if (rows_ == Rows::Sessions) {
      print(session_row(session));
      return;
    }
    for (const auto& subflow : session.subflows) {
      print(subflow_row(session, *subflow));
    }
  }
  void finish(const Report& /*report*/) override {
    if (headed_) {
      return;
    }
    // Columns without a row.
    Budget none{0};
    const Limits limits;
    Session session{none, limits, 0, 0};
    const auto* subflow = session.add_subflow(Kind::Unknown, 0, {}, 0);
    head(rows_ == Rows::Sessions ? session_row(session) : subflow_row(session, *subflow));
  }

 private:
  void head(const Row& row) {
    headed_ = true;
    std::vector<std::string_view> words;
    for (const auto& [column, value] : row) {
      words.push_back(column);
    }
    fmt::print(to_, "{}\n", fmt::join(words, ","));
  }
  void print(const Row& row) {
    std::vector<std::string_view> words;
    if (!headed_) {
      head(row);
    }
    for (const auto& [column, value] : row) {
      words.push_back(value);
    }
    fmt::print(to_, "{}\n", fmt::join(words, ","));
  }

  std::FILE* to_;
  Rows rows_;
  bool headed_ = false;
};

}  // namespace

std::unique_ptr<Output> csv_output(std::FILE* to, Rows rows) {
  return std::make_unique<CsvOutput>(to, rows);
}

}  // namespace tcpopt::mptcpstat
