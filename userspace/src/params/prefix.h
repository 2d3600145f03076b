// SPDX-License-Identifier: GPL-2.0-or-later
// IPv4 and IPv6 prefixes as the maps of programs hold them.
#pragma once

#include <linux/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tcpopt_param.h"

namespace tcpopt {

/// Reads "ADDRESS/BITS", or "ADDRESS" for that one address.
/// Errors: not an address; too many bits; bits set behind the prefix (says what
/// would be right).
[[nodiscard]] Result<tcpopt_prefix> parse_prefix(std::string_view text);

/// The shortest text that parse_prefix() makes the same of; IPv4 as IPv4.
[[nodiscard]] std::string to_string(const tcpopt_prefix& prefix);

/// Whether it is an IPv6 prefix so short that all IPv4 addresses are in it,
/// which are ::ffff:0:0/96 in the map.
[[nodiscard]] bool holds_all_of_ipv4(const tcpopt_prefix& prefix);

/// Whether an address is within it.
/// @param family AF_INET, AF_INET6
/// @param words in network order; of IPv4 the first one counts
[[nodiscard]] bool contains(const tcpopt_prefix& prefix, std::uint32_t family,
                            std::span<const __be32, 4> words);

}  // namespace tcpopt
