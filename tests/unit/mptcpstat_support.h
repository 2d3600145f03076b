// SPDX-License-Identifier: GPL-2.0-or-later
// Sessions as JSON, from captures that tests make.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include "mptcpstat/output.h"
#include "wire.h"

namespace tcpopt::mptcpstat {

// NOLINTNEXTLINE(bugprone-exception-escape): the moves of JSON, to clang-tidy 14
struct Seen {
  std::vector<nlohmann::ordered_json> sessions;
  nlohmann::ordered_json report;
  CaptureCounts capture;
};

/// What is reported of a capture.
inline Seen seen(const wire::Data& bytes, const Limits& limits = {}) {
  auto copy = bytes;
  auto capture = Capture::read_from(fmemopen(copy.data(), copy.size(), "rb"), "test");
  if (!capture) {
    throw std::runtime_error(capture.error().line());
  }
  Seen seen;
  Report report;
  Tracker tracker{limits, [&](const Session& session) {
                    report.totals.add(session);
                    seen.sessions.push_back(session_json(session));
                  }};
  report.capture = capture->read([&](const Segment& segment) { tracker.segment(segment); });
  tracker.finish();
  report.tracker = tracker.counts();
  seen.report = report_json(report);
  seen.capture = report.capture;
  return seen;
}

/// Client and server, on the path of that number.
inline wire::Path path(int number, const std::string& server = "10.2.0.1") {
  const auto port = static_cast<std::uint16_t>(40'000 + number);
  return {{wire::at("10.1.0." + std::to_string(number), port), wire::at(server, 443)}};
}

}  // namespace tcpopt::mptcpstat
