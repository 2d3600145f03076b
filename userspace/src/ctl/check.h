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

/// Errors: in one line, what keeps programs from being attached.
[[nodiscard]] Status verdict(std::span<const FeatureRow> rows);

/// One line a feature.
[[nodiscard]] std::string check_text(std::span<const FeatureRow> rows);

/// Array of {name, available: true|false, support: "yes"|"no"|"denied", what,
/// brought_by, detail, needed_by, wanted_by}.
[[nodiscard]] nlohmann::json check_json(std::span<const FeatureRow> rows);

}  // namespace tcpopt
