// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a capture, through all of mptcpstat: whatever they are, it must end,
// within its limits, and say something.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "mptcpstat/output.h"

namespace {

using namespace tcpopt::mptcpstat;

// Small, so that a short input meets them.
Limits small() {
  Limits limits;
  limits.sessions = 4;
  limits.subflows = 8;
  limits.subflows_of_session = 4;
  limits.addresses_of_session = 2;
  limits.ranges = 64;
  limits.ranges_of_set = 8;
  limits.same_token = 2;
  return limits;
}

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // Only read from.
  auto* file = fmemopen(const_cast<std::uint8_t*>(data), size, "rb");
  require(file != nullptr);
  auto capture = Capture::read_from(file, "input");
  if (!capture) {
    require(!capture.error().line().empty());
    return 0;
  }
  // For as long as the process.
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory)
  static auto* const null = std::fopen("/dev/null", "w");
  const auto limits = small();
  Report report;
  const auto table = table_output(null, true);
  const auto csv = csv_output(null, Rows::Sessions);
  const auto csv_subflows = csv_output(null, Rows::Subflows);
  std::uint64_t done = 0;
  Tracker tracker{limits, [&](const Session& session) {
                    ++done;
                    report.totals.add(session);
                    table->session(session);
                    csv->session(session);
                    csv_subflows->session(session);
                    require(!session_json(session).dump().empty());
                  }};
  report.capture = capture->read([&](const Segment& segment) {
    tracker.segment(segment);
    require(tracker.live_sessions() <= limits.sessions);
    require(tracker.live_ranges() <= limits.ranges);
  });
  tracker.finish();
  report.tracker = tracker.counts();
  require(done == report.tracker.sessions);
  require(tracker.live_ranges() == 0);
  table->finish(report);
  csv->finish(report);
  csv_subflows->finish(report);
  require(!report_json(report).dump().empty());
  return 0;
}
