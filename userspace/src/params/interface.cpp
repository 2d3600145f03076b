// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/interface.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "params/decl_tags.h"
#include "params/lists.h"

namespace tcpopt {

namespace {

/// A map as `struct { __uint(...); __type(...); } name SEC(".maps")` declares it.
struct MapDefinition {
  std::string name;
  std::uint32_t type = 0;
  std::uint32_t max_entries = 0;
  std::uint32_t key_type_id = 0;  // 0: not given
  std::uint32_t value_type_id = 0;
  Tags tags;
};

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

/// The type of the one entry of map @p name, or nothing if there is no such map.
Result<std::optional<std::uint32_t>> single_entry(const std::vector<MapDefinition>& maps,
                                                  std::string_view name, std::uint32_t type,
                                                  std::string_view type_name) {
  const auto map = std::find_if(maps.begin(), maps.end(),
                                [name](const MapDefinition& one) { return one.name == name; });
  if (map == maps.end()) {
    return std::nullopt;
  }
  if (map->type != type || map->max_entries != 1 || map->value_type_id == 0) {
    return fail(fmt::format("map '{}' is not a {} of one struct", name, type_name));
  }
  return map->value_type_id;
}

Result<MapKind> map_kind(const std::string& text) {
  if (text == "prefixes") {
    return MapKind::Prefixes;
  }
  if (text == "algorithms") {
    return MapKind::Algorithms;
  }
  return fail(fmt::format("tag 'tcpopt:param={}' is not known", text),
              "use prefixes or algorithms");
}

bool has_size(const btf& types, std::uint32_t type_id, std::size_t size) {
  return type_id != 0 && btf__resolve_size(&types, type_id) == static_cast<__s64>(size);
}

/// Errors: see read_interface().
Result<MapParam> map_param(const btf& types, const MapDefinition& map, const std::string& type) {
  if (auto checked = check_tag_keys(map.tags, {"param", "help", "key"}); !checked) {
    return pass(checked);
  }
  MapParam param{.key = map.name, .map = map.name, .capacity = map.max_entries, .help = {}};
  for (auto [tag, into] : {std::pair{"key", &param.key}, std::pair{"help", &param.help}}) {
    auto text = single_tag(map.tags, tag);
    if (!text) {
      return pass(text);
    }
    if (*text != nullptr) {
      *into = **text;
    }
  }
  auto kind = map_kind(type);
  if (!kind) {
    return pass(kind);
  }
  param.kind = *kind;
  const auto size = entry_size(param.kind);
  const bool prefixes = param.kind == MapKind::Prefixes;
  if (map.type != std::uint32_t{prefixes ? BPF_MAP_TYPE_LPM_TRIE : BPF_MAP_TYPE_HASH} ||
      !has_size(types, map.key_type_id, size.key) ||
      !has_size(types, map.value_type_id, size.value)) {
    return fail(prefixes ? "it is not an LPM_TRIE of struct tcpopt_prefix to __u32"
                         : "it is not a HASH of __u32 to struct tcpopt_algorithm");
  }
  if (map.max_entries == 0 || map.max_entries > kMaxListEntries) {
    return fail(fmt::format("it has {} entries", map.max_entries),
                fmt::format("give it 1..{}", kMaxListEntries));
  }
  return param;
}

}  // namespace

Result<Interface> read_interface(const btf& types) {
  auto maps = map_definitions(types);
  if (!maps) {
    return pass(maps);
  }
  Interface interface;
  auto params = single_entry(*maps, "params", BPF_MAP_TYPE_ARRAY, "ARRAY");
  if (!params) {
    return pass(params);
  }
  if (*params) {
    auto schema = read_schema(types, **params);
    if (!schema) {
      return pass(schema, "params");
    }
    interface.schema = std::move(*schema);
  }
  auto stats = single_entry(*maps, "stats", BPF_MAP_TYPE_PERCPU_ARRAY, "PERCPU_ARRAY");
  if (!stats) {
    return pass(stats);
  }
  if (*stats) {
    auto counters = read_counters(types, **stats);
    if (!counters) {
      return pass(counters, "stats");
    }
    interface.counters = std::move(*counters);
  }
  auto& schema = interface.schema;
  for (const auto& map : *maps) {
    const auto context = fmt::format("map '{}'", map.name);
    auto type = single_tag(map.tags, "param");
    if (!type) {
      return pass(type, context);
    }
    if (*type == nullptr) {
      continue;
    }
    auto param = map_param(types, map, **type);
    if (!param) {
      return pass(param, context);
    }
    if (schema.find(param->key) != nullptr || schema.find_map(param->key) != nullptr) {
      return fail(fmt::format("{}: there is a parameter '{}' already", context, param->key));
    }
    schema.maps.push_back(std::move(*param));
  }
  return interface;
}

}  // namespace tcpopt
