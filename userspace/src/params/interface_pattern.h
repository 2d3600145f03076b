// SPDX-License-Identifier: GPL-2.0-or-later
// Names of network interfaces, and shell wildcards for them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "tcpopt_addr.h"

namespace tcpopt {

/// Errors: longer than a name can be (15 bytes); a character that no name has; a
/// bracket that is not closed.
[[nodiscard]] Result<tcpopt_ifname> parse_interface_pattern(std::string_view text);

/// What parse_interface_pattern() made it of.
[[nodiscard]] std::string to_string(const tcpopt_ifname& pattern);

/// Whether @p name is one of those that @p pattern means, as in the shell: `*`, `?`,
/// `[a-c]`, `[!a-c]`. A backslash is a character like others.
[[nodiscard]] bool matches(const std::string& pattern, const std::string& name);

}  // namespace tcpopt
