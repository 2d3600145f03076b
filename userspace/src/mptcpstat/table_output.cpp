// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "mptcpstat/names.h"
#include "mptcpstat/output.h"
#include "mptcpstat/words.h"

namespace tcpopt::mptcpstat {

namespace {

constexpr std::size_t kWidth = 100;

enum class Colour { None, Bold, Dim, Red, Yellow };

/// "12 reset 3 idle": what is not zero, or "none".
template <class Enum, std::size_t N>
std::string not_zero(const std::array<std::uint64_t, N>& counts, Enum /*which*/,
                     std::size_t from = 0) {
  std::vector<std::string> parts;
  for (std::size_t i = from; i < N; ++i) {
    if (counts.at(i) != 0) {
      parts.push_back(fmt::format("{} {}", counts.at(i), name(static_cast<Enum>(i))));
    }
  }
  return parts.empty() ? "none" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string causes_text(const std::array<std::uint64_t, kCauses>& causes) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < kCauses; ++i) {
    if (causes.at(i) != 0) {
      parts.push_back(fmt::format("{} {}", name(static_cast<Cause>(i)), size_text(causes.at(i))));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? ""
                    : fmt::format(" ({:.1f} %)",
                                  100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

class TableOutput : public Output {
 public:
  TableOutput(std::FILE* to, bool colour) : to_(to), colour_(colour) {}

  void session(const Session& session) override {
    head(session);
    data(session, 0);
    data(session, 1);
    for (const auto& one : session.announcements) {
      announcement(session, one);
    }
    line(Colour::Dim, "  {:>3} {:<8} {:>10} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}  {}", "sub", "kind",
         "joined", "rtt", "bytes >", "bytes <", "segments", "retrans", "reorder", "state");
    for (const auto& subflow : session.subflows) {
      row(session, *subflow);
    }
    if (session.subflows_dropped != 0) {
      line(Colour::Yellow, "  {} more subflows are not listed (limit)", session.subflows_dropped);
    }
    fmt::print(to_, "\n");
  }

  void finish(const Report& report) override;

 private:
  template <class... Values>
  void line(Colour colour, fmt::format_string<Values...> format, Values&&... values) {
    std::string text = fmt::format(format, std::forward<Values>(values)...);
    // Long lists go on in further lines.
    while (text.size() > kWidth) {
      auto cut = text.rfind(' ', kWidth);
      if (cut == std::string::npos || cut < kWidth / 2) {
        cut = kWidth;
      }
      paint(colour, text.substr(0, cut));
      text = "      " + text.substr(std::min(text.size(), cut + 1));
    }
    paint(colour, text);
  }

  void paint(Colour colour, const std::string& text) {
    constexpr std::array<std::string_view, 5> kCodes{"", "\033[1m", "\033[2m", "\033[31m",
                                                     "\033[33m"};
    if (colour_ && colour != Colour::None) {
      fmt::print(to_, "{}{}\033[0m\n", kCodes.at(static_cast<std::size_t>(colour)), text);
    } else {
      fmt::print(to_, "{}\n", text);
    }
  }

  void head(const Session& session) {
    const auto token = [&session](EndIndex end) {
      const auto& value = session.ends.at(end).token;
      return value ? fmt::format("{:08x}", *value) : "?";
    };
    std::string text =
        fmt::format("session {}  tokens {} > {}  ", session.number, token(0), token(1));
    text += session.version ? fmt::format("MPTCP v{}  ", *session.version) : "";
    text +=
        fmt::format("{}  {} of {} subflows  ended: {}", time_text(session.last - session.first),
                    session.established_subflows(),
                    session.subflows.size() + session.subflows_dropped, name(session.how_ended()));
    line(Colour::Bold, "{}", text);
    if (!session.start_seen) {
      line(Colour::Yellow, "  its start was not captured");
    }
    if (session.fallback != Fallback::No) {
      line(Colour::Red, "  fell back to TCP: {}", name(session.fallback));
    }
    std::string more = fmt::format("  began {}", date_text(session.first));
    if (const auto spread = session.rtt_spread()) {
      more += fmt::format("  RTT spread {}", time_text(*spread));
    }
    if (session.fully_established) {
      more += fmt::format("  fully established after {}",
                          time_text(*session.fully_established - session.first));
    }
    line(Colour::None, "{}", more);
    for (const auto& ends : session.elsewhere) {
      line(Colour::None, "  also seen as {} > {} (NAT)", ends[0].text(), ends[1].text());
    }
  }

  void data(const Session& session, EndIndex end) {
    const auto& stream = session.data.at(end);
    const auto& counts = stream.counts;
    const auto& state = session.ends.at(end);
    std::string text = fmt::format("  data {}  {}", end == 0 ? ">" : "<", size_text(counts.bytes));
    if (counts.unmapped_bytes != 0) {
      text += fmt::format("  {} without mapping", size_text(counts.unmapped_bytes));
    }
    if (counts.reinjections != 0) {
      text += fmt::format("  reinjected {} in {} segments ({})", size_text(counts.reinjected_bytes),
                          counts.reinjections, causes_text(counts.causes));
    }
    if (counts.repeated_bytes != 0) {
      text += fmt::format("  repeated {}", size_text(counts.repeated_bytes));
    }
    if (counts.reordered != 0) {
      text += fmt::format("  {} segments out of order, up to {}", counts.reordered,
                          size_text(counts.furthest));
    }
    if (stream.checksums.right + stream.checksums.wrong + stream.checksums.unchecked != 0) {
      text += fmt::format("  checksums {} right, {} wrong, {} unchecked", stream.checksums.right,
                          stream.checksums.wrong, stream.checksums.unchecked);
    }
    text += state.mp_fails != 0 ? fmt::format("  {} MP_FAIL", state.mp_fails) : "";
    text += state.priorities != 0 ? fmt::format("  {} MP_PRIO", state.priorities) : "";
    text += state.removals != 0 ? fmt::format("  {} REMOVE_ADDR", state.removals) : "";
    text += state.fastclose ? "  MP_FASTCLOSE" : "";
    text +=
        stream.fin() ? (stream.fin_acked() ? "" : "  DATA_FIN not acknowledged") : "  no DATA_FIN";
    line(stream.checksums.wrong != 0 ? Colour::Red : Colour::None, "{}", text);
  }

  void announcement(const Session& session, const Announcement& one) {
    const auto where = one.endpoint.port != 0 ? one.endpoint.text() : one.endpoint.address.text();
    line(one.hmac == HmacState::Wrong ? Colour::Red : Colour::None,
         "  ADD_ADDR {} {} (id {}) after {}: {}, {}{}{}", one.by == 0 ? ">" : "<", where,
         one.address_id, time_text(one.time - session.first), one.echoed ? "echoed" : "not echoed",
         one.joined ? "joined" : "not joined", one.removed ? ", withdrawn" : "",
         one.hmac == HmacState::Wrong ? ", wrong HMAC" : "");
  }

  void row(const Session& session, const Subflow& subflow) {
    const auto& a = subflow.sent[0].counts();
    const auto& b = subflow.sent[1].counts();
    const auto delay = join_delay(session, subflow);
    const auto rtt = subflow.rtt();
    const bool bad = subflow.hmac == HmacState::Wrong ||
                     (subflow.kind == Kind::Join && subflow.state() != SubflowState::Established);
    line(bad ? Colour::Red : Colour::None,
         "  {:>3} {:<8} {:>10} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}  {}", subflow.id,
         name(subflow.kind), delay ? "+" + time_text(*delay) : "-", rtt ? time_text(*rtt) : "-",
         size_text(a.unique_bytes), size_text(b.unique_bytes), a.segments + b.segments,
         a.retransmissions + b.retransmissions, a.reordered + b.reordered, name(subflow.state()));
    std::string where = fmt::format("      {} {} {}", subflow.ends[0].text(),
                                    subflow.opener == 0 ? ">" : "<", subflow.ends[1].text());
    where += subflow.backup[0] || subflow.backup[1] ? "  backup" : "";
    if (const auto unused = session.unused(subflow); unused != Unused::No) {
      where += unused == Unused::Backup ? "  unused" : fmt::format("  unused: {}", name(unused));
    }
    where += subflow.hmac == HmacState::Wrong ? "  wrong HMAC" : "";
    const auto missed = subflow.sent[0].missed() + subflow.sent[1].missed();
    where += missed != 0 ? fmt::format("  {} not captured", size_text(missed)) : "";
    if (subflow.reset_by) {
      where += fmt::format("  reset by {}", *subflow.reset_by == 0 ? ">" : "<");
      where += subflow.reset_reason
                   ? fmt::format(": {}", reset_reason(subflow.reset_reason->reason))
                   : "";
    }
    line(Colour::Dim, "{}", where);
  }

  void quantiles(std::string_view what, const Quantiles& values);

  std::FILE* to_;
  bool colour_;
};

void TableOutput::quantiles(std::string_view what, const Quantiles& values) {
  if (values.count() != 0) {
    line(Colour::None, "  {:<36} {:>10} {:>10} {:>10} {:>10}", what, time_text(values.at(0.5)),
         time_text(values.at(0.9)), time_text(values.at(0.99)), time_text(values.max()));
  }
}

void TableOutput::finish(const Report& report) {
  const auto& totals = report.totals;
  const auto& capture = report.capture;
  const auto& tracker = report.tracker;
  line(Colour::Bold, "total  {} sessions, {} subflows", totals.sessions, totals.subflows);
  line(Colour::None, "  {} frames in {}: {} segments of MPTCP, {} of plain TCP, {} not TCP",
       capture.frames, time_text(capture.last - capture.first), tracker.mptcp_segments,
       tracker.plain_segments, capture.other);
  line(Colour::None, "  subflows per session: {} with 1{}, {} with 2{}, {} with more{}, at most {}",
       totals.one_subflow, share(totals.one_subflow, totals.sessions), totals.two_subflows,
       share(totals.two_subflows, totals.sessions), totals.more_subflows,
       share(totals.more_subflows, totals.sessions), totals.most_subflows);
  line(Colour::None, "  joins: {}; {} with a wrong HMAC",
       not_zero(totals.states, SubflowState::NoAnswer), totals.wrong_hmacs);
  line(Colour::None, "  addresses announced: {}, echoed {}, joined {}", totals.announced,
       totals.announced_echoed, totals.announced_joined);
  line(Colour::None, "  unused subflows: {}{}: {}", totals.unused,
       share(totals.unused, totals.subflows), not_zero(totals.unused_why, Unused::No, 1));
  line(Colour::None, "  data {}, payload {}, {} without mapping, {} not captured",
       size_text(totals.data_bytes), size_text(totals.payload_bytes),
       size_text(totals.unmapped_bytes), size_text(totals.missed_bytes));
  line(Colour::None, "  retransmitted {} in {} segments; reinjected {} in {} segments{}{}",
       size_text(totals.retransmitted_bytes), totals.retransmissions,
       size_text(totals.reinjected_bytes), totals.reinjections,
       totals.reinjections != 0 ? ": " : "", causes_text(totals.causes));
  line(Colour::None, "  out of order: {} segments within subflows, {} within sessions",
       totals.reordered, totals.data_reordered);
  line(Colour::None, "  ended: {}", not_zero(totals.ends, End::Open));
  line(Colour::None, "  fallbacks: {}", not_zero(totals.fallbacks, Fallback::No, 1));
  line(Colour::None, "  checksums: {} sessions; {} right, {} wrong, {} unchecked",
       totals.with_checksums, totals.checksums.right, totals.checksums.wrong,
       totals.checksums.unchecked);
  line(Colour::Dim, "  {:<36} {:>10} {:>10} {:>10} {:>10}", "", "median", "p90", "p99", "max");
  quantiles("duration of sessions", totals.duration);
  quantiles("MP_JOIN after MP_CAPABLE", totals.join_delay);
  quantiles("MP_JOIN after fully established", totals.join_delay_after_established);
  quantiles("RTT of subflows", totals.rtt);
  quantiles("RTT spread within sessions", totals.rtt_spread);
  const auto warn = [this](std::uint64_t count, std::string_view text) {
    if (count != 0) {
      line(Colour::Yellow, "  {} {}", count, text);
    }
  };
  warn(totals.without_start, "sessions began before the capture");
  warn(totals.malformed, "malformed MPTCP options");
  warn(totals.captured_twice, "segments were captured twice and counted once");
  warn(totals.seen_elsewhere,
       "segments were seen on the other side of a NAT, too, and counted once");
  warn(capture.fragments, "IP fragments were left out");
  warn(capture.truncated, "frames were cut off before the end of the TCP header");
  warn(capture.malformed, "frames were malformed");
  warn(capture.dropped, "frames were dropped by the kernel");
  warn(tracker.evicted, "sessions were reported early, to bound memory");
  warn(tracker.subflows_refused + tracker.tokens_refused, "subflows or tokens met a limit");
  warn(totals.forgotten, "ranges were forgotten, to bound memory; reinjections may be missed");
}

}  // namespace

std::unique_ptr<Output> table_output(std::FILE* to, bool colour) {
  return std::make_unique<TableOutput>(to, colour);
}

}  // namespace tcpopt::mptcpstat
