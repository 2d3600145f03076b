// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "kernel/cgroup.h"

namespace tcpopt {

/// An open network namespace and the process it was found at ("pid 12").
struct NetNamespace {
  UniqueFd fd;
  std::string found_at;
};

/// The network namespaces in which processes of @p cgroup live, and our own,
/// each once. Processes whose namespace cannot be opened (just ended) are left out.
/// Errors: our own namespace cannot be opened.
[[nodiscard]] Result<std::vector<NetNamespace>> namespaces_of(const Cgroup& cgroup);

/// Runs @p work once inside each of @p namespaces, one after the other, on a
/// thread of its own: the calling thread never leaves its namespace.
/// Returns one error for each namespace where entering or @p work failed.
[[nodiscard]] std::vector<Error> run_inside(const std::vector<NetNamespace>& namespaces,
                                            const std::function<Status()>& work);

}  // namespace tcpopt
