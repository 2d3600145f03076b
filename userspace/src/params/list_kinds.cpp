// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/list_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <vector>

#include "params/kind_table.h"
#include "tcpopt_addr.h"
#include "tcpopt_param.h"

namespace tcpopt {

namespace {

// In order of MapKind.
constexpr std::array kListKinds{
    ListKind{MapKind::Prefixes,
             "prefixes",
             BPF_MAP_TYPE_LPM_TRIE,
             {sizeof(tcpopt_prefix), sizeof(std::uint32_t)},
             "an LPM_TRIE of struct tcpopt_prefix to __u32"},
    ListKind{MapKind::Algorithms,
             "algorithms",
             BPF_MAP_TYPE_HASH,
             {sizeof(std::uint32_t), sizeof(tcpopt_algorithm)},
             "a HASH of __u32 to struct tcpopt_algorithm",
             AlgorithmKind::CongestionControl},
    ListKind{MapKind::Schedulers,
             "schedulers",
             BPF_MAP_TYPE_HASH,
             {sizeof(std::uint32_t), sizeof(tcpopt_algorithm)},
             "a HASH of __u32 to struct tcpopt_algorithm",
             AlgorithmKind::Scheduler},
    ListKind{MapKind::Interfaces,
             "interfaces",
             BPF_MAP_TYPE_HASH,
             {sizeof(tcpopt_ifname), sizeof(std::uint32_t)},
             "a HASH of struct tcpopt_ifname to __u32"},
    ListKind{MapKind::AddressKinds,
             "address-kinds",
             BPF_MAP_TYPE_HASH,
             {sizeof(std::uint32_t), sizeof(std::uint32_t)},
             "a HASH of __u32 to __u32"},
};

static_assert(in_order_of_kind(kListKinds));

}  // namespace

const ListKind& list_kind(MapKind kind) { return kListKinds.at(static_cast<std::size_t>(kind)); }

const ListKind* find_list_kind(std::string_view name) {
  const auto* const found = std::find_if(kListKinds.begin(), kListKinds.end(),
                                         [name](const ListKind& one) { return one.name == name; });
  return found == kListKinds.end() ? nullptr : found;
}

std::string list_kind_names() {
  std::vector<std::string_view> names;
  std::transform(kListKinds.begin(), kListKinds.end(), std::back_inserter(names),
                 [](const ListKind& one) { return one.name; });
  const auto last = names.back();
  names.pop_back();
  return fmt::format("{} or {}", fmt::join(names, ", "), last);
}

}  // namespace tcpopt
