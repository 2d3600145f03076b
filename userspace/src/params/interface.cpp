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
#include "params/map_definition.h"

namespace tcpopt {

namespace {

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

/// Errors: see read_interface().
Result<MapParam> map_param(const btf& types, const MapDefinition& map, const std::string& type) {
  if (auto checked = check_tag_keys(map.tags, {"param", "help", "key", "default"}); !checked) {
    return pass(checked);
  }
  MapParam param{.key = map.name,
                 .map = map.name,
                 .capacity = map.max_entries,
                 .help = {},
                 .default_text = {}};
  for (auto [tag, into] : {std::pair{"key", &param.key}, std::pair{"help", &param.help},
                           std::pair{"default", &param.default_text}}) {
    auto text = single_tag(map.tags, tag);
    if (!text) {
      return pass(text);
    }
    if (*text != nullptr) {
      *into = **text;
    }
  }
  const auto* const kind = find_list_kind(type);
  if (kind == nullptr) {
    return fail(fmt::format("tag 'tcpopt:param={}' is not known", type),
                fmt::format("use {}", list_kind_names()));
  }
  param.kind = kind->kind;
  if (map.type != kind->map_type || !has_size(types, map.key_type_id, kind->size.key) ||
      !has_size(types, map.value_type_id, kind->size.value)) {
    return fail(fmt::format("it is not {}", kind->declared));
  }
  if (map.max_entries == 0 || map.max_entries > kMaxListEntries) {
    return fail(fmt::format("it has {} entries", map.max_entries),
                fmt::format("give it 1..{}", kMaxListEntries));
  }
  // Which algorithms there are is the kernel's to say, later.
  if (auto entries = parse_list(param, param.default_text, {}); !entries) {
    return pass(entries, "tag 'tcpopt:default'");
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
  interface.claims_sessions = has_tag(types, "requires=mptcp-path-manager");
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
  auto local_addrs = read_local_addrs(types, *maps, schema);
  if (!local_addrs) {
    return pass(local_addrs);
  }
  interface.local_addrs = std::move(*local_addrs);
  return interface;
}

}  // namespace tcpopt
