// SPDX-License-Identifier: GPL-2.0-or-later
// Small captures with one thing to see in each: the corpus of the fuzzer.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "wire.h"

namespace tcpopt::mptcpstat::wire {

/// (name, capture)
[[nodiscard]] std::vector<std::pair<std::string, Data>> captures();

/// Sessions of up to 4 subflows that transfer at the same time; about so many frames.
void write_many(std::ostream& to, std::uint64_t frames);

}  // namespace tcpopt::mptcpstat::wire
