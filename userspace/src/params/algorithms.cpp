// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/algorithms.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "cc/cc.h"

namespace tcpopt {

namespace {

constexpr std::string_view kOffered = "/proc/sys/net/ipv4/tcp_available_congestion_control";

#define TCPOPT_ALGORITHM(id, name) Algorithm{id, name},
constexpr std::array kAlgorithms{CC_ALGORITHMS(TCPOPT_ALGORITHM)};
#undef TCPOPT_ALGORITHM

constexpr bool fits(const Algorithm& algorithm) {
  return algorithm.id != 0 && algorithm.name.size() < TCPOPT_ALGORITHM_NAME_LEN;
}
static_assert(std::all_of(kAlgorithms.begin(), kAlgorithms.end(), fits), "0 is none");

}  // namespace

std::span<const Algorithm> known_algorithms() { return kAlgorithms; }

const Algorithm* find_algorithm(std::string_view name) {
  const auto* const found =
      std::find_if(kAlgorithms.begin(), kAlgorithms.end(),
                   [name](const Algorithm& algorithm) { return algorithm.name == name; });
  return found == kAlgorithms.end() ? nullptr : found;
}

Result<std::vector<std::string>> offered_algorithms() {
  std::ifstream file{std::string(kOffered)};
  std::vector<std::string> names{std::istream_iterator<std::string>(file), {}};
  if (names.empty()) {
    return fail("the kernel does not say which congestion controls it offers",
                "mount /proc, and enter a network namespace with IPv4");
  }
  return names;
}

}  // namespace tcpopt
