// SPDX-License-Identifier: GPL-2.0-or-later
// Congestion controls: their ids, which are the same on all machines.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tcpopt {

struct Algorithm {
  std::uint32_t id = 0;
  std::string_view name;
};

/// Those of bpf-progs/cc/cc.h, in order of their ids.
[[nodiscard]] std::span<const Algorithm> known_algorithms();

/// Null if it has no id.
[[nodiscard]] const Algorithm* find_algorithm(std::string_view name);

/// Names of those that this kernel offers now; what is in a module that is not
/// loaded is not among them. Errors: the kernel does not say.
[[nodiscard]] Result<std::vector<std::string>> offered_algorithms();

}  // namespace tcpopt
