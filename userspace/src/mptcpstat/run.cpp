// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/run.h"

#include <algorithm>
#include <utility>

#include "mptcpstat/output.h"
#include "mptcpstat/words.h"

namespace tcpopt::mptcpstat {

namespace {

/// Which sessions are reported.
struct Wanted {
  std::vector<std::uint32_t> tokens;
  std::optional<When> from, to;

  [[nodiscard]] bool wants(const Session& session, Time start) const {
    if (!tokens.empty()) {
      const auto has = [&session](std::uint32_t token) {
        return session.ends[0].token == token || session.ends[1].token == token;
      };
      if (std::none_of(tokens.begin(), tokens.end(), has)) {
        return false;
      }
    }
    return !(from && session.last < from->after(start)) &&
           !(to && session.first >= to->after(start));
  }
};

Result<Wanted> parse_wanted(const RunOptions& options) {
  Wanted wanted;
  for (const auto& text : options.tokens) {
    auto token = parse_token(text);
    if (!token) {
      return pass(token, "--token");
    }
    wanted.tokens.push_back(*token);
  }
  for (const auto& [text, name, place] :
       {std::tuple{&options.from, "--from", &wanted.from}, {&options.to, "--to", &wanted.to}}) {
    if (!text->empty()) {
      auto when = parse_when(*text);
      if (!when) {
        return pass(when, name);
      }
      *place = *when;
    }
  }
  return wanted;
}

std::unique_ptr<Output> make_output(const RunOptions& options, std::FILE* to) {
  if (options.json) {
    return json_output(to);
  }
  if (options.csv || options.csv_subflows) {
    return csv_output(to, options.csv ? Rows::Sessions : Rows::Subflows);
  }
  return table_output(to, options.colour);
}

}  // namespace

Status run(const RunOptions& options, std::FILE* to) {
  auto wanted = parse_wanted(options);
  if (!wanted) {
    return pass(wanted);
  }
  auto capture = options.interface.empty() ? Capture::open(options.file)
                                           : Capture::live(options.interface, options.seconds);
  if (!capture) {
    return pass(capture);
  }
  if (!options.filter.empty()) {
    if (auto filtered = capture->filter(options.filter); !filtered) {
      return filtered;
    }
  }
  auto limits = options.limits;
  limits.idle = options.idle_seconds * kSecond;
  const auto output = make_output(options, to);
  // Some 20 kB each, too much for a stack in its quantiles.
  const auto report = std::make_unique<Report>();
  std::optional<Time> start;
  Tracker tracker{limits, [&](const Session& session) {
                    if (!wanted->wants(session, start.value_or(0))) {
                      return;
                    }
                    report->totals.add(session);
                    if (!options.totals_only) {
                      output->session(session);
                    }
                  }};
  report->capture = capture->read([&](const Segment& segment) {
    start = start.value_or(segment.time);
    tracker.segment(segment);
  });
  tracker.finish();
  report->tracker = tracker.counts();
  output->finish(*report);
  if (report->capture.ended_early) {
    return fail(*report->capture.ended_early, "what could be read up to there was reported");
  }
  return {};
}

}  // namespace tcpopt::mptcpstat
