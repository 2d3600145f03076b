// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/decl_tags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace tcpopt {

namespace {

constexpr std::string_view kPrefix = "tcpopt:";

}  // namespace

Result<std::map<int, Tags>> read_tags(const btf& types, std::uint32_t type_id) {
  std::map<int, Tags> found;
  for (std::uint32_t id = 1; id < btf__type_cnt(&types); ++id) {
    const auto* type = btf__type_by_id(&types, id);
    if (!btf_is_decl_tag(type) || type->type != type_id) {
      continue;
    }
    std::string_view text = btf__str_by_offset(&types, type->name_off);
    if (!text.starts_with(kPrefix)) {
      continue;
    }
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) {
      return fail(fmt::format("tag '{}' has no '='", text));
    }
    const auto key = text.substr(kPrefix.size(), equals - kPrefix.size());
    found[btf_decl_tag(type)->component_idx][std::string(key)].emplace_back(
        text.substr(equals + 1));
  }
  return found;
}

bool has_tag(const btf& types, std::string_view text) {
  for (std::uint32_t id = 1; id < btf__type_cnt(&types); ++id) {
    const auto* const type = btf__type_by_id(&types, id);
    if (btf_is_decl_tag(type)) {
      const std::string_view tag = btf__str_by_offset(&types, type->name_off);
      if (tag.starts_with(kPrefix) && tag.substr(kPrefix.size()) == text) {
        return true;
      }
    }
  }
  return false;
}

Result<const std::string*> single_tag(const Tags& tags, std::string_view key) {
  const auto found = tags.find(key);
  if (found == tags.end()) {
    return nullptr;
  }
  if (found->second.size() > 1) {
    return fail(fmt::format("tag '{}{}' is given {} times", kPrefix, key, found->second.size()));
  }
  return &found->second.front();
}

Status check_tag_keys(const Tags& tags, const std::vector<std::string_view>& known) {
  for (const auto& [key, values] : tags) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return fail(fmt::format("tag '{}{}' is not known", kPrefix, key),
                  fmt::format("known here: {}", fmt::join(known, ", ")));
    }
  }
  return {};
}

}  // namespace tcpopt
