// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "kernel/cgroup.h"

namespace tcpopt {

/// An open network namespace.
struct NetNamespace {
  UniqueFd fd;
  std::string found_at;  ///< "the daemon", or the process it was found at: "pid 12"
  ino_t inode = 0;       ///< unique among those that exist
  UniqueFd witness;      ///< pidfd of a process of the cgroup that is in it, or none
};

/// That of the daemon. Errors: it cannot be opened.
[[nodiscard]] Result<NetNamespace> own_namespace();

struct NetNamespaces {
  std::vector<NetNamespace> all;  ///< each once, our own first
  Status complete;                ///< or why one may be missing
};

/// Our own network namespace, and those in which processes of @p cgroup live.
/// Processes that have ended are left out.
/// Errors: our own namespace cannot be opened.
[[nodiscard]] Result<NetNamespaces> namespaces_of(const Cgroup& cgroup);

/// Runs @p work once inside each of @p namespaces, one after the other, on a
/// thread of its own: the calling thread never leaves its namespace.
/// Returns one error for each namespace where entering or @p work failed.
[[nodiscard]] std::vector<Error> run_inside(std::span<const NetNamespace> namespaces,
                                            const std::function<Status()>& work);

}  // namespace tcpopt
