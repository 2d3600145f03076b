// SPDX-License-Identifier: GPL-2.0-or-later
// From options to output: all of mptcpstat but its command line.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "mptcpstat/capture.h"
#include "mptcpstat/limits.h"

namespace tcpopt::mptcpstat {

struct RunOptions {
  std::string file, interface, filter, from, to;
  std::vector<std::string> tokens;
  std::optional<unsigned> seconds;
  unsigned idle_seconds = 3600;
  bool json = false, csv = false, csv_subflows = false, totals_only = false;
  bool colour = false;
  Limits limits;
};

/// What was read is reported also if the rest could not be.
[[nodiscard]] Status run(const RunOptions& options, std::FILE* to);

/// What the words of the output mean.
[[nodiscard]] std::string help_footer();

}  // namespace tcpopt::mptcpstat
