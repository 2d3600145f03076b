// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace tcpopt {

/// A line a session, and one below it for each of its subflows; within 100 columns, unless
/// names or addresses of IPv6 are long.
/// @param sessions as the daemon answers them (see session_json.h)
[[nodiscard]] std::string sessions_text(const nlohmann::json& sessions);

/// "37 B", "1.20 kB", "12.3 GB": three digits.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// "850 us", "12.5 ms", "1.20 s": three digits. @param us microseconds
[[nodiscard]] std::string time_text(std::uint64_t us);

}  // namespace tcpopt
