// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "daemon/pin_store.h"
#include "kernel/netns.h"

namespace tcpopt {

/// Runs the iterator of an attachment, if it has one, over the TCP sockets of each
/// of @p namespaces. Returns one error for each where that failed.
[[nodiscard]] std::vector<Error> run_iterator(const PinStore::Entry& pins,
                                              std::span<const NetNamespace> namespaces);

}  // namespace tcpopt
