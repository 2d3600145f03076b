// SPDX-License-Identifier: GPL-2.0-or-later
// Kinds of local addresses that are left out unless a user asks for them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tcpopt_addr.h"

namespace tcpopt {

struct AddressKind {
  std::uint32_t id = 0;
  std::string_view name;
};

inline constexpr std::array kAddressKinds{
    AddressKind{TCPOPT_ADDR_KIND_TENTATIVE, "tentative"},
    AddressKind{TCPOPT_ADDR_KIND_DEPRECATED, "deprecated"},
    AddressKind{TCPOPT_ADDR_KIND_LINK_LOCAL, "link-local"},
    AddressKind{TCPOPT_ADDR_KIND_LOOPBACK, "loopback"},
};

}  // namespace tcpopt
