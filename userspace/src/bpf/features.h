// SPDX-License-Identifier: GPL-2.0-or-later
// What a kernel may offer to programs, and what brings it where it is missing.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "bpf/probe.h"

namespace tcpopt {

struct Feature {
  std::string_view name;        ///< as in `tcpopt:requires=NAME`
  std::string_view what;        ///< one line for the user
  std::string_view brought_by;  ///< the CONFIG symbol, release or patch that brings it
  std::function<Finding()> ask;
};

/// All features, in the order in which `check` shows them.
[[nodiscard]] std::span<const Feature> all_features();

/// The feature of that name among @p features, or null.
[[nodiscard]] const Feature* find_feature(std::span<const Feature> features, std::string_view name);

/// Errors: the first of @p required that is unknown, that the kernel lacks
/// (says what brings it), or that may not be asked for lack of privilege.
[[nodiscard]] Status check_required(std::span<const Feature> features,
                                    const std::vector<std::string>& required);

}  // namespace tcpopt
