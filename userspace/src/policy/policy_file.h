// SPDX-License-Identifier: GPL-2.0-or-later
// One file of the policy, as it is written: TOML.
//
//   [[attach]]
//   program = "uto"
//   cgroup = "web.slice"            # see cgroup_pattern.h
//   parameters = { advertise = 30 }
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tcpopt {

/// Where something is written, for messages: "FILE:LINE".
struct Place {
  std::filesystem::path file;
  std::size_t line = 0;

  [[nodiscard]] std::string text() const;
};

/// A value with what TOML says that it is: number, boolean, string or an array of strings.
struct ParameterEntry {
  nlohmann::json value;
  Place place;
};

/// One [[attach]], its names not looked up yet.
struct AttachEntry {
  std::string program;
  std::string cgroup;
  std::map<std::string, ParameterEntry> parameters;
  bool force = false;
  Place place, program_place, cgroup_place;
};

/// What could be read, and what is wrong with the rest.
struct PolicyFile {
  std::vector<AttachEntry> entries;
  std::vector<Error> errors;
};

/// @param file for messages only
/// Errors, each with file, line and key: not TOML; unknown keys; keys that are missing
/// or of another type.
[[nodiscard]] PolicyFile parse_policy(std::string_view text, const std::filesystem::path& file);

/// Reads @p file. Errors: those of parse_policy(); it cannot be read, or is too long.
[[nodiscard]] PolicyFile read_policy(const std::filesystem::path& file);

}  // namespace tcpopt
