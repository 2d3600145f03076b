// SPDX-License-Identifier: GPL-2.0-or-later
// What this kernel offers, and whether that is enough for the installed programs.
#pragma once

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <vector>

#include "bpf/features.h"
#include "bpf/object.h"

namespace tcpopt {

struct FeatureRow {
  Feature feature;
  Finding finding;
  std::vector<std::string> needed_by;  ///< programs that are not attached without it
  std::vector<std::string> wanted_by;  ///< programs that are, but do less
};

/// Asks for each of @p features. The daemon itself needs some as well.
[[nodiscard]] std::vector<FeatureRow> find_out(std::span<const Feature> features,
                                               const std::vector<Description>& programs);

/// What becomes of one program on this kernel.
struct ProgramRow {
  std::string name;
  Status runs;          ///< or why it cannot be attached
  Status reaches_live;  ///< or why `set` does not reach live connections
};
[[nodiscard]] std::vector<ProgramRow> judge(std::span<const FeatureRow> rows,
                                            const std::vector<Description>& programs);

/// Errors: in one line, what keeps the daemon, or every program, from running.
[[nodiscard]] Status verdict(std::span<const FeatureRow> rows,
                             std::span<const ProgramRow> programs);

/// One line a feature, then one a program.
[[nodiscard]] std::string check_text(std::span<const FeatureRow> rows,
                                     std::span<const ProgramRow> programs);

/// {features: [{name, available: true|false, support: "yes"|"no"|"denied", what,
/// brought_by, detail, needed_by, wanted_by}], programs: [{name, runs, reaches_live,
/// why}]}.
[[nodiscard]] nlohmann::json check_json(std::span<const FeatureRow> rows,
                                        std::span<const ProgramRow> programs);

}  // namespace tcpopt
