// SPDX-License-Identifier: GPL-2.0-or-later
// Which local addresses a program is told of.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "kernel/network.h"
#include "params/lists.h"
#include "params/schema.h"
#include "tcpopt_addr.h"

namespace tcpopt {

/// Of IPv6 addresses that are temporary (RFC 8981).
enum class Temporary : std::uint32_t {
  Never,
  Too,
  Rather,  ///< than others on the interface
};

/// What a user chose; the patterns are those of interface_pattern.h.
struct AddressRules {
  std::vector<std::string> only;  ///< empty: all
  std::vector<std::string> except;
  std::vector<std::string> backup;
  std::set<std::uint32_t> include;    ///< TCPOPT_ADDR_KIND_*
  std::vector<tcpopt_prefix> within;  ///< empty: all
  std::vector<tcpopt_prefix> without;
  Temporary temporary = Temporary::Too;
};

/// From the lists of a program that has a map of local addresses.
[[nodiscard]] AddressRules address_rules(const Schema& schema, const Values& values);

/// The value for the map. An address counts while its interface is up and has a
/// carrier; one that failed duplicate address detection never does.
/// @param before the value that there is: if there is not room for all, those in it stay
[[nodiscard]] tcpopt_addrs select_addresses(const Network& network, const AddressRules& rules,
                                            const tcpopt_addrs& before = {});

}  // namespace tcpopt
