// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/local_addrs.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <map>
#include <string_view>
#include <utility>

#include "tcpopt_addr.h"

namespace tcpopt {

namespace {

constexpr std::string_view kAddressesRole = "local-addrs";
constexpr std::string_view kWantRole = "want-netns";

/// The maps that have one of our roles, by role.
Result<std::map<std::string_view, const MapDefinition*>> maps_by_role(
    const std::vector<MapDefinition>& maps) {
  std::map<std::string_view, const MapDefinition*> found;
  for (const auto& map : maps) {
    auto tag = single_tag(map.tags, "role");
    if (!tag) {
      return pass(tag, fmt::format("map '{}'", map.name));
    }
    if (*tag == nullptr) {
      continue;
    }
    const std::string_view role = **tag;
    if (role != kAddressesRole && role != kWantRole) {
      return fail(fmt::format("map '{}': tag 'tcpopt:role={}' is not known", map.name, role),
                  fmt::format("use {} or {}", kAddressesRole, kWantRole));
    }
    if (const auto [there, is_first] = found.emplace(role, &map); !is_first) {
      return fail(fmt::format("maps '{}' and '{}' both have the role {}", there->second->name,
                              map.name, role));
    }
  }
  return found;
}

Status check_lists(const Schema& schema) {
  for (const auto& [key, kind] : {std::pair{kInterfacesKey, MapKind::Interfaces},
                                  {kExceptKey, MapKind::Interfaces},
                                  {kBackupKey, MapKind::Interfaces},
                                  {kIncludeKey, MapKind::AddressKinds},
                                  {kPrefixKey, MapKind::Prefixes},
                                  {kNoPrefixKey, MapKind::Prefixes}}) {
    const auto* const list = schema.find_map(key);
    if (schema.find(key) != nullptr || (list != nullptr && list->kind != kind)) {
      return fail(fmt::format("parameter '{}' is not a list of type {}", key, list_kind(kind).name),
                  "make it one, or give it another key");
    }
  }
  return {};
}

}  // namespace

Result<std::optional<LocalAddrs>> read_local_addrs(const btf& types,
                                                   const std::vector<MapDefinition>& maps,
                                                   const Schema& schema) {
  auto roles = maps_by_role(maps);
  if (!roles) {
    return pass(roles);
  }
  const auto* const want = (*roles)[kWantRole];
  if (want != nullptr && want->type != BPF_MAP_TYPE_RINGBUF) {
    return fail(fmt::format("map '{}': it is not a RINGBUF", want->name));
  }
  const auto* const addresses = (*roles)[kAddressesRole];
  if (addresses == nullptr && want != nullptr) {
    return fail(fmt::format("map '{}': there is no map of local addresses", want->name),
                "declare one with TCPOPT_LOCAL_ADDRS");
  }
  if (addresses == nullptr) {
    return std::nullopt;
  }
  if (addresses->type != BPF_MAP_TYPE_HASH || addresses->max_entries == 0 ||
      !has_size(types, addresses->key_type_id, sizeof(std::uint64_t)) ||
      !has_size(types, addresses->value_type_id, sizeof(tcpopt_addrs))) {
    return fail(
        fmt::format("map '{}': it is not a HASH of __u64 to struct tcpopt_addrs", addresses->name));
  }
  if (auto checked = check_lists(schema); !checked) {
    return pass(checked);
  }
  return LocalAddrs{addresses->name, addresses->max_entries, want == nullptr ? "" : want->name};
}

}  // namespace tcpopt
