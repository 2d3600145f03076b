// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/algorithms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "cc/cc.h"
#include "params/kind_table.h"
#include "scheduler/scheduler.h"

namespace tcpopt {

namespace {

#define TCPOPT_ALGORITHM(id, name) Algorithm{id, name},
constexpr std::array kCongestionControls{CC_ALGORITHMS(TCPOPT_ALGORITHM)};
constexpr std::array kSchedulers{SCHED_SCHEDULERS(TCPOPT_ALGORITHM)};
#undef TCPOPT_ALGORITHM

// In order of AlgorithmKind.
constexpr std::array kKinds{
    Algorithms{AlgorithmKind::CongestionControl, "algorithm", "congestion control",
               kCongestionControls, "load its module (modprobe tcp_{})",
               "/proc/sys/net/ipv4/tcp_available_congestion_control",
               "mount /proc, and enter a network namespace with IPv4"},
    Algorithms{AlgorithmKind::Scheduler, "scheduler", "packet scheduler", kSchedulers,
               "boot a kernel with kernel-patches/6.12 and CONFIG_MPTCP_SCHED_EXTRA=y",
               "/proc/sys/net/mptcp/available_schedulers",
               "mount /proc, and boot a kernel with CONFIG_MPTCP=y"},
};

constexpr bool fit(std::span<const Algorithm> known) {
  std::uint32_t last = 0;
  return std::all_of(known.begin(), known.end(), [&last](const Algorithm& one) {
    const bool ordered = one.id > last;
    last = one.id;
    return ordered && one.name.size() < TCPOPT_ALGORITHM_NAME_LEN;
  });
}
static_assert(fit(kCongestionControls) && fit(kSchedulers), "0 is none");

static_assert(in_order_of_kind(kKinds));

}  // namespace

const Algorithm* Algorithms::find(std::string_view name) const {
  const auto found = std::find_if(known.begin(), known.end(),
                                  [name](const Algorithm& one) { return one.name == name; });
  return found == known.end() ? nullptr : &*found;
}

const Algorithms& algorithms(AlgorithmKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

const Algorithms* find_algorithms(std::string_view type) {
  const auto* const found = std::find_if(
      kKinds.begin(), kKinds.end(), [type](const Algorithms& one) { return one.type == type; });
  return found == kKinds.end() ? nullptr : found;
}

std::string algorithm_types() {
  std::vector<std::string> types;
  std::transform(kKinds.begin(), kKinds.end(), std::back_inserter(types),
                 [](const Algorithms& one) { return fmt::format("type={}", one.type); });
  return fmt::format("{}", fmt::join(types, " or "));
}

Result<std::vector<std::string>> offered_algorithms(AlgorithmKind kind) {
  const auto& of = algorithms(kind);
  std::ifstream file{std::string(of.offered_by)};
  std::vector<std::string> names{std::istream_iterator<std::string>(file), {}};
  if (names.empty()) {
    return fail(fmt::format("the kernel does not say which {}s it offers", of.what),
                std::string(of.cure));
  }
  return names;
}

}  // namespace tcpopt
