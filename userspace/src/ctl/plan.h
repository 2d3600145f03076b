// SPDX-License-Identifier: GPL-2.0-or-later
// The difference between what the policy wants and what is attached.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "params/value.h"
#include "policy/policy.h"

namespace tcpopt {

/// What one entry of the policy means on one cgroup that is there.
struct Target {
  std::string cgroup;  ///< its path
  std::uint64_t cgroup_id = 0;
  const Wanted* wanted = nullptr;  ///< lives longer
};

/// Adds @p target to @p targets. An entry that names a cgroup counts there before one with
/// wildcards. Errors: two of either sort want the same program.
[[nodiscard]] Status add_target(std::vector<Target>& targets, Target target);

struct Step {
  enum class What { Attach, Set, Detach };

  What what = What::Attach;
  std::string program;
  std::string cgroup;
  std::uint64_t cgroup_id = 0;
  Settings settings;
  Settings before;  ///< of Set: what takes it back
  bool force = false;
  std::string note;  ///< for people
};

struct Plan {
  /// In the order in which they are done: what is taken away comes last, so that a
  /// refusal is known before.
  std::vector<Step> steps;
  std::vector<Step> by_hand;  ///< what stays though the policy does not want it so
  std::size_t unchanged = 0;
};

/// @param attachments as List answers them
[[nodiscard]] Plan make_plan(const std::vector<Target>& targets, const nlohmann::json& attachments);

/// A line a step, `+`, `~` or `-`; without a sign what was attached by hand.
[[nodiscard]] std::string plan_text(const Plan& plan);

}  // namespace tcpopt
