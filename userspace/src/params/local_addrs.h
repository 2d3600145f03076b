// SPDX-License-Identifier: GPL-2.0-or-later
// Which maps of a program are for local addresses: bpf-progs/tcpopt_addr.h.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "params/map_definition.h"
#include "params/schema.h"

namespace tcpopt {

/// Keys of the lists that choose among the addresses; a program has what it wants.
inline constexpr const char* kInterfacesKey = "interfaces";
inline constexpr const char* kExceptKey = "except";
inline constexpr const char* kBackupKey = "backup";
inline constexpr const char* kIncludeKey = "include";
inline constexpr const char* kPrefixKey = "prefix";
inline constexpr const char* kNoPrefixKey = "noprefix";
/// A number: 0, 1 or 2, see AddressRules.
inline constexpr const char* kTemporaryKey = "temporary";

struct LocalAddrs {
  std::string map;             ///< name of the map that the daemon fills
  std::uint32_t capacity = 0;  ///< namespaces that it holds
  std::string want;            ///< ring of the namespaces asked for; empty: there is none
};

/// Nothing if no map is tagged so.
/// Errors: a map or one of the lists of another type; two for one role.
[[nodiscard]] Result<std::optional<LocalAddrs>> read_local_addrs(
    const btf& types, const std::vector<MapDefinition>& maps, const Schema& schema);

}  // namespace tcpopt
