// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/cgroup_pattern.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <span>

namespace tcpopt {

namespace {

using Names = std::span<const std::string>;

constexpr std::string_view kAnyNames = "**";
constexpr std::string_view kPatternExample = "write a path as web.slice, or kubepods.slice/**";

bool is_wild(std::string_view name) { return name.find_first_of("*?[") != std::string_view::npos; }

bool matches_name(const std::string& part, const std::string& name) {
  return fnmatch(part.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

/// Whether each bracket of @p name is closed: fnmatch(3) would take it for itself.
bool has_open_bracket(std::string_view name) {
  for (auto at = name.find('['); at != std::string_view::npos; at = name.find('[', at + 1)) {
    // A bracket that comes first is one of the characters.
    const auto first = at + (name.substr(at + 1).starts_with('!') ? 2 : 1);
    at = name.find(']', first + 1);
    if (at == std::string_view::npos) {
      return true;
    }
  }
  return false;
}

Status check_part(std::string_view part) {
  if (part == "." || part == "..") {
    return fail(fmt::format("'{}' is no name of a cgroup", part), std::string(kPatternExample));
  }
  if (part != kAnyNames && part.find(kAnyNames) != std::string_view::npos) {
    return fail(fmt::format("'**' in '{}' stands beside other characters", part),
                "give it a place between slashes, as in kubepods.slice/**/cri-*.scope");
  }
  if (has_open_bracket(part)) {
    return fail(fmt::format("a bracket of '{}' is not closed", part), "close it, or write [[]");
  }
  return {};
}

bool matches_all(Names parts, Names names) {
  if (parts.empty()) {
    return names.empty();
  }
  if (parts.front() != kAnyNames) {
    return !names.empty() && matches_name(parts.front(), names.front()) &&
           matches_all(parts.subspan(1), names.subspan(1));
  }
  if (parts.size() == 1) {
    return !names.empty();
  }
  return matches_all(parts.subspan(1), names) ||
         (!names.empty() && matches_all(parts, names.subspan(1)));
}

/// Whether @p parts match a path that begins with @p names and goes on.
bool may_go_on(Names parts, Names names) {
  if (parts.empty()) {
    return false;
  }
  if (names.empty() || parts.front() == kAnyNames) {
    return true;
  }
  return matches_name(parts.front(), names.front()) &&
         may_go_on(parts.subspan(1), names.subspan(1));
}

}  // namespace

Result<CgroupPattern> CgroupPattern::parse(std::string_view text, std::string_view mount) {
  if (text.empty()) {
    return fail("it is empty", std::string(kPatternExample));
  }
  auto rest = text;
  if (text.front() == '/') {
    if (!text.starts_with(mount) || (text.size() > mount.size() && text[mount.size()] != '/')) {
      return fail(fmt::format("'{}' is not below {}, where cgroup v2 is", text, mount),
                  std::string(kPatternExample));
    }
    rest = text.substr(mount.size());
  }
  CgroupPattern pattern;
  while (!rest.empty()) {
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty()) {
      continue;
    }
    if (auto checked = check_part(part); !checked) {
      return pass(checked);
    }
    pattern.wildcards_ = pattern.wildcards_ || is_wild(part);
    pattern.parts_.emplace_back(part);
  }
  pattern.text_ = fmt::format("{}", fmt::join(pattern.parts_, "/"));
  if (pattern.wildcards_ && pattern.parts_.size() == 1 &&
      text.find('/') == std::string_view::npos) {
    pattern.parts_.insert(pattern.parts_.begin(), std::string(kAnyNames));
  }
  return pattern;
}

bool CgroupPattern::matches(const std::vector<std::string>& names) const {
  return matches_all(parts_, names);
}

bool CgroupPattern::may_match_below(const std::vector<std::string>& names) const {
  return may_go_on(parts_, names);
}

}  // namespace tcpopt
