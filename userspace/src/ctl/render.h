// SPDX-License-Identifier: GPL-2.0-or-later
// What tcpoptctl prints.
#pragma once

#include <nlohmann/json.hpp>

#include <ctime>
#include <string>
#include <vector>

#include "bpf/object.h"

namespace tcpopt {

/// Rows with their columns aligned, without blanks at line ends.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

/// "2026-01-31 23:59:59". @param seconds of Unix time
[[nodiscard]] std::string local_time(std::time_t seconds);

/// A parameter as it could be given to tcpoptctl set.
[[nodiscard]] std::string value_text(const nlohmann::json& value);

/// @param attachments as List answers them (see service.h); time is local
[[nodiscard]] std::string list_text(const nlohmann::json& attachments);

/// Whom `set` reached. @param told as the daemon answers it
[[nodiscard]] std::string told_text(const std::string& name, const nlohmann::json& told);

[[nodiscard]] std::string programs_text(const std::vector<Description>& programs);
/// Array of {name, help, requires, params: [{name, type, unit, range, default,
/// requires, help}], stats}.
[[nodiscard]] nlohmann::json programs_json(const std::vector<Description>& programs);

}  // namespace tcpopt
