// SPDX-License-Identifier: GPL-2.0-or-later
// Which cgroups an entry of the policy means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tcpopt {

/// A path below the mount of cgroup v2, with wildcards as in the shell: `*`, `?`,
/// `[a-c]`, `[!a-c]` within a name, `**` for any number of names. `a/**` is what is
/// below `a`, without `a`. A name with wildcards alone, as `docker-*.scope`, is one at
/// any depth.
class CgroupPattern {
 public:
  /// @param mount where cgroup v2 is mounted; @p text may begin with it
  /// Errors: empty; a path somewhere else; `.`, `..` or `**` beside other characters; a
  /// bracket that is not closed.
  static Result<CgroupPattern> parse(std::string_view text, std::string_view mount);

  bool operator==(const CgroupPattern&) const = default;

  /// As it was given, but relative to the mount; "" is the topmost cgroup.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool has_wildcards() const { return wildcards_; }

  /// @param names of the path of a cgroup, from the mount on
  [[nodiscard]] bool matches(const std::vector<std::string>& names) const;
  /// Whether something below the cgroup @p names could match.
  [[nodiscard]] bool may_match_below(const std::vector<std::string>& names) const;

 private:
  CgroupPattern() = default;

  std::string text_;
  std::vector<std::string> parts_;
  bool wildcards_ = false;
};

}  // namespace tcpopt
