// SPDX-License-Identifier: GPL-2.0-or-later
// The maps of an object file, as its BTF has them.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "params/decl_tags.h"

namespace tcpopt {

/// A map as `struct { __uint(...); __type(...); } name SEC(".maps")` declares it.
struct MapDefinition {
  std::string name;
  std::uint32_t type = 0;
  std::uint32_t max_entries = 0;
  std::uint32_t key_type_id = 0;  ///< 0: not given
  std::uint32_t value_type_id = 0;
  Tags tags;
};

/// Errors: tags that are none.
[[nodiscard]] Result<std::vector<MapDefinition>> map_definitions(const btf& types);

/// Whether the type @p type_id is there and has @p size bytes.
[[nodiscard]] bool has_size(const btf& types, std::uint32_t type_id, std::size_t size);

}  // namespace tcpopt
