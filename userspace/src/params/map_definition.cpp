// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/map_definition.h"

#include <fmt/format.h>

#include <string_view>

namespace tcpopt {

namespace {

std::uint32_t pointed_to(const btf& types, std::uint32_t id) {
  const auto* pointer = btf__type_by_id(&types, id);
  return pointer != nullptr && btf_is_ptr(pointer) ? pointer->type : 0;
}

/// __uint(NAME, N) makes NAME a pointer to an array of N elements.
std::uint32_t number_in(const btf& types, std::uint32_t id) {
  const auto* array = btf__type_by_id(&types, pointed_to(types, id));
  return array != nullptr && btf_is_array(array) ? btf_array(array)->nelems : 0;
}

Result<MapDefinition> map_definition(const btf& types, std::uint32_t variable_id) {
  const auto* variable = btf__type_by_id(&types, variable_id);
  MapDefinition map;
  map.name = btf__str_by_offset(&types, variable->name_off);
  auto tags = read_tags(types, variable_id);
  if (!tags) {
    return pass(tags, fmt::format("map '{}'", map.name));
  }
  map.tags = std::move((*tags)[kWholeType]);
  const int struct_id = btf__resolve_type(&types, variable->type);
  const auto* definition =
      struct_id < 0 ? nullptr : btf__type_by_id(&types, static_cast<std::uint32_t>(struct_id));
  if (definition == nullptr || !btf_is_struct(definition)) {
    return map;  // libbpf says what is wrong with it
  }
  for (int i = 0; i < btf_vlen(definition); ++i) {
    const auto& member = btf_members(definition)[i];
    const std::string_view name = btf__str_by_offset(&types, member.name_off);
    if (name == "type") {
      map.type = number_in(types, member.type);
    } else if (name == "max_entries") {
      map.max_entries = number_in(types, member.type);
    } else if (name == "key") {
      map.key_type_id = pointed_to(types, member.type);
    } else if (name == "value") {
      map.value_type_id = pointed_to(types, member.type);
    }
  }
  return map;
}

}  // namespace

Result<std::vector<MapDefinition>> map_definitions(const btf& types) {
  std::vector<MapDefinition> maps;
  const int section_id = btf__find_by_name_kind(&types, ".maps", BTF_KIND_DATASEC);
  if (section_id < 0) {
    return maps;
  }
  const auto* section = btf__type_by_id(&types, static_cast<std::uint32_t>(section_id));
  for (int i = 0; i < btf_vlen(section); ++i) {
    auto map = map_definition(types, btf_var_secinfos(section)[i].type);
    if (!map) {
      return pass(map);
    }
    maps.push_back(std::move(*map));
  }
  return maps;
}

bool has_size(const btf& types, std::uint32_t type_id, std::size_t size) {
  return type_id != 0 && btf__resolve_size(&types, type_id) == static_cast<__s64>(size);
}

}  // namespace tcpopt
