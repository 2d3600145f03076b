// SPDX-License-Identifier: GPL-2.0-or-later
// The network namespaces that are watched, each once for all attachments.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/error.h"
#include "kernel/netns.h"
#include "kernel/network.h"

namespace tcpopt {

/// Of a network namespace, what SO_NETNS_COOKIE and bpf_get_netns_cookie() say.
using Cookie = std::uint64_t;

struct Space {
  NetNamespace where;
  NetworkWatch watch;
  bool stale = false;  ///< what is known of it is out of date, the last look failed
};
using SpacePtr = std::shared_ptr<Space>;

/// A namespace is watched, and kept alive by that, while somebody has its SpacePtr.
class Spaces {
 public:
  /// The one that @p where is of. Errors: it cannot be entered; NetworkWatch::open().
  [[nodiscard]] Result<SpacePtr> open(NetNamespace where);

  /// Those to wait for until they can be read.
  [[nodiscard]] std::vector<int> descriptors() const;

  /// Looks at what is in @p readable, and at what is stale.
  /// Returns the namespaces in which something is other than before.
  [[nodiscard]] std::set<Cookie> refresh(const std::set<int>& readable);

  /// Whether refresh() should be called again though nothing can be read.
  [[nodiscard]] bool any_stale() const;

 private:
  [[nodiscard]] std::vector<SpacePtr> all() const;

  std::map<ino_t, std::weak_ptr<Space>> by_inode_;
};

}  // namespace tcpopt
