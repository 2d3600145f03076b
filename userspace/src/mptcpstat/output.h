// SPDX-License-Identifier: GPL-2.0-or-later
// What mptcpstat prints: sessions as they end, then the totals.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>

#include "mptcpstat/capture.h"
#include "mptcpstat/session.h"
#include "mptcpstat/totals.h"
#include "mptcpstat/tracker.h"

namespace tcpopt::mptcpstat {

struct Report {
  CaptureCounts capture;
  TrackerCounts tracker;
  Totals totals;
};

class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  Output(Output&&) = delete;
  Output& operator=(Output&&) = delete;
  virtual ~Output() = default;
  virtual void session(const Session& session) = 0;
  virtual void finish(const Report& report) = 0;
};

/// 100 columns wide.
[[nodiscard]] std::unique_ptr<Output> table_output(std::FILE* to, bool colour);
/// {"sessions": [...], "totals": {...}, "capture": {...}}
[[nodiscard]] std::unique_ptr<Output> json_output(std::FILE* to);
enum class Rows { Sessions, Subflows };
[[nodiscard]] std::unique_ptr<Output> csv_output(std::FILE* to, Rows rows);

[[nodiscard]] nlohmann::ordered_json session_json(const Session& session);
[[nodiscard]] nlohmann::ordered_json report_json(const Report& report);

}  // namespace tcpopt::mptcpstat
