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
#include "params/schema.h"
#include "params/value.h"

namespace tcpopt {

struct Feature {
  std::string_view name;        ///< as in `tcpopt:requires=NAME`
  std::string_view what;        ///< one line for the user
  std::string_view brought_by;  ///< the CONFIG symbol, release or patch that brings it
  std::function<Finding()> ask;
};

/// All features, in the order in which `check` shows them.
[[nodiscard]] std::span<const Feature> all_features();

/// The same @p features, each of which asks no more once the answer was yes: what a
/// kernel offers, it goes on to offer.
[[nodiscard]] std::vector<Feature> that_remember(std::span<const Feature> features);

/// The feature of that name among @p features, or null.
[[nodiscard]] const Feature* find_feature(std::span<const Feature> features, std::string_view name);

/// The names in "a|b", of which one is enough.
[[nodiscard]] std::vector<std::string_view> alternatives(std::string_view required);

/// Errors: the first of @p required, each a name or alternatives "a|b", that is
/// unknown, that the kernel lacks (says what brings it), or that may not be
/// asked for lack of privilege.
[[nodiscard]] Status check_required(std::span<const Feature> features,
                                    const std::vector<std::string>& required);

/// Errors: the first of @p settings that is other than the default and needs a
/// feature that the kernel lacks. The settings are ones that @p schema takes.
[[nodiscard]] Status check_settings(std::span<const Feature> features, const Schema& schema,
                                    const Settings& settings);

}  // namespace tcpopt
