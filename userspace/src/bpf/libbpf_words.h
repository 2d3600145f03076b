// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tcpopt {

/// Collects what libbpf warns of from now on; its errno alone says too little.
/// Logged at debug level all the same.
void collect_libbpf_warnings();
[[nodiscard]] const std::vector<std::string>& libbpf_warnings();

/// What @p warnings say of the cause, in our words; nothing: none that we know.
[[nodiscard]] std::optional<Error> cause_in(const std::vector<std::string>& warnings);

}  // namespace tcpopt
