// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "policy/cgroup_pattern.h"

namespace tcpopt {

struct FoundCgroups {
  std::vector<std::string> paths;  ///< from the top on, in order
  Status complete;                 ///< or why one that stays may be missing
};

/// The cgroups that match, below the directory @p top. Where one does, those below it are
/// left out: what is attached to a cgroup runs for them, too, from their first connection
/// on, and twice would be once too often.
[[nodiscard]] FoundCgroups find_cgroups(const CgroupPattern& pattern, int top);

}  // namespace tcpopt
