// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace tcpopt {

struct Look {
  bool colors = false;  ///< for a terminal
  /// Attachments as they were at the last look, null at the first one: counters are shown
  /// with what was added since.
  nlohmann::json before = {};
};

/// All of each attachment, within 100 columns but for paths of cgroups.
/// @param attachments as Command::Details answers them (see service.h); time is local
[[nodiscard]] std::string status_text(const nlohmann::json& attachments, const Look& look);

/// @p text in lines of at most 100 columns, those behind the first one with @p indent
/// blanks; the first one begins at that column, too. A longer word has a line of its own.
[[nodiscard]] std::string fold(std::string_view text, std::size_t indent);

}  // namespace tcpopt
