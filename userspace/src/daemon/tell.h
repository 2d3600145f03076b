// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "daemon/pin_store.h"
#include "kernel/cgroup.h"
#include "kernel/netns.h"

namespace tcpopt {

/// Runs the iterator of an attachment, if it has one, over the TCP sockets of each
/// of @p namespaces. Returns one error for each where that failed.
[[nodiscard]] std::vector<Error> run_iterator(const PinStore::Entry& pins,
                                              std::span<const NetNamespace> namespaces);

/// Which live connections heard of a change.
struct Told {
  bool possible = false;       ///< the program has what reaches them
  std::size_t namespaces = 0;  ///< network namespaces whose connections did
  std::vector<Error> errors;   ///< why others did not
};

/// Has the live connections of @p cgroup take up the parameters. They count as told
/// (PinStore::mark_told()) if nothing failed.
[[nodiscard]] Told tell_connections(const PinStore::Entry& pins, const Cgroup& cgroup);

}  // namespace tcpopt
