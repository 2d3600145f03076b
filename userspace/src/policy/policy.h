// SPDX-License-Identifier: GPL-2.0-or-later
// The policy: which programs with which parameters are to be on which cgroups.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "params/value.h"
#include "policy/catalog.h"
#include "policy/cgroup_pattern.h"
#include "policy/policy_file.h"

namespace tcpopt {

/// The files of the policy: tcpopt.toml, then conf.d/*.toml by name. Of two that have
/// the same name, that of the first of @p directories counts.
/// Errors: a directory that is there and cannot be read.
[[nodiscard]] Result<std::vector<std::filesystem::path>> policy_files(
    const std::vector<std::filesystem::path>& directories);

/// One entry that can be done.
struct Wanted {
  std::string program;
  CgroupPattern pattern;
  std::string cgroup;  ///< the pattern as it was given
  Settings settings;
  nlohmann::json params;  ///< all that it is to have then, as `list --json` shows it
  bool force = false;
  Place place;
};

struct Policy {
  std::vector<Wanted> wanted;
  std::vector<Error> errors;
};

/// Adds what @p file says to @p policy.
/// @param mount where cgroup v2 is mounted
/// Errors, each with file, line and key: those of the file; unknown programs and
/// parameters; values that a program would refuse; one program twice for the same.
void add_to(Policy& policy, PolicyFile file, Catalog& programs, std::string_view mount);

}  // namespace tcpopt
