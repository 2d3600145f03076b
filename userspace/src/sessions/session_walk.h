// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the MPTCP sessions of network namespaces from the kernel.
#pragma once

#include <vector>

#include "base/error.h"
#include "bpf/iterator.h"
#include "subflow_record.h"

namespace tcpopt {

class SessionWalk {
 public:
  /// Loads the program that looks at the sockets.
  /// Errors: the kernel has no iterators or no types of its own (BTF); what it says.
  static Result<SessionWalk> load();

  /// Adds the subflows in the network namespace of the calling thread, in no order, while
  /// there are fewer than @p most.
  [[nodiscard]] Status run(std::vector<tcpopt_subflow_record>& into, std::size_t most) const;

 private:
  explicit SessionWalk(Iterator iterator) : iterator_(std::move(iterator)) {}

  Iterator iterator_;
};

}  // namespace tcpopt
