// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/address_rules.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <span>
#include <tuple>

#include "params/interface_pattern.h"
#include "params/local_addrs.h"
#include "params/prefix.h"

namespace tcpopt {

namespace {

const Entries& entries_of(const Schema& schema, const Values& values, const char* key) {
  static const Entries none;
  const auto* const list = schema.find_map(key);
  return list == nullptr ? none : values.lists.at(list->map);
}

template <class T>
T key_from(const Bytes& bytes) {
  T key{};
  std::memcpy(&key, bytes.data(), std::min(sizeof(key), bytes.size()));
  return key;
}

std::vector<std::string> patterns_of(const Schema& schema, const Values& values, const char* key) {
  std::vector<std::string> patterns;
  for (const auto& [bytes, value] : entries_of(schema, values, key)) {
    patterns.push_back(to_string(key_from<tcpopt_ifname>(bytes)));
  }
  return patterns;
}

std::vector<tcpopt_prefix> prefixes_of(const Schema& schema, const Values& values,
                                       const char* key) {
  std::vector<tcpopt_prefix> prefixes;
  for (const auto& [bytes, value] : entries_of(schema, values, key)) {
    prefixes.push_back(key_from<tcpopt_prefix>(bytes));
  }
  return prefixes;
}

Temporary temporary_of(const Schema& schema, const Values& values) {
  const auto* const param = schema.find(kTemporaryKey);
  std::uint32_t number = 0;
  if (param == nullptr || param->kind != Kind::Integer || param->size != sizeof(number) ||
      values.scalars.size() < param->offset + sizeof(number)) {
    return Temporary::Too;
  }
  std::memcpy(&number, &values.scalars[param->offset], sizeof(number));
  return static_cast<Temporary>(std::min(number, static_cast<std::uint32_t>(Temporary::Rather)));
}

bool match_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&name](const std::string& pattern) { return matches(pattern, name); });
}

/// IFF_RUNNING is what `ip link` calls a carrier: not of one that waits for 802.1X.
bool is_usable(const Device& device) {
  return (device.flags & IFF_UP) != 0 && (device.flags & IFF_RUNNING) != 0;
}

bool is_chosen(const Device& device, const AddressRules& rules) {
  return (rules.only.empty() || match_any(rules.only, device.name)) &&
         !match_any(rules.except, device.name);
}

bool is_chosen(const DeviceAddress& address, const AddressRules& rules) {
  const auto in_any = [&address](const std::vector<tcpopt_prefix>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&address](const tcpopt_prefix& prefix) {
      return contains(prefix, address.family, address.address);
    });
  };
  return (rules.within.empty() || in_any(rules.within)) && !in_any(rules.without);
}

bool is_temporary(const DeviceAddress& address) {
  return address.family == AF_INET6 && (address.flags & IFA_F_TEMPORARY) != 0;
}

/// Interfaces that have a temporary address which is good for something new.
std::set<std::uint32_t> with_temporary(const Network& network) {
  std::set<std::uint32_t> found;
  for (const auto& address : network.addresses) {
    if (is_temporary(address) &&
        (address.flags & (IFA_F_DEPRECATED | IFA_F_DADFAILED | IFA_F_TENTATIVE)) == 0) {
      found.insert(address.index);
    }
  }
  return found;
}

in6_addr ipv6_of(const DeviceAddress& address) {
  in6_addr ipv6{};
  std::memcpy(&ipv6, address.address.data(), sizeof(ipv6));
  return ipv6;
}

bool in_ipv4(const DeviceAddress& address, std::uint32_t net, int bits) {
  return address.family == AF_INET &&
         ntohl(address.address[0]) >> (32 - bits) == net >> (32 - bits);
}

bool is_link_local(const DeviceAddress& address) {
  if (address.family == AF_INET) {
    return in_ipv4(address, 0xa9fe0000, 16);
  }
  const auto ipv6 = ipv6_of(address);
  return IN6_IS_ADDR_LINKLOCAL(&ipv6) != 0;
}

bool is_loopback(const DeviceAddress& address, const Device& device) {
  const auto ipv6 = ipv6_of(address);
  return (device.flags & IFF_LOOPBACK) != 0 || in_ipv4(address, INADDR_LOOPBACK, 8) ||
         (address.family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ipv6) != 0);
}

bool is_deprecated(const DeviceAddress& address, const AddressRules& rules) {
  return (address.flags & IFA_F_DEPRECATED) != 0 &&
         !rules.include.contains(TCPOPT_ADDR_KIND_DEPRECATED);
}

/// Whether it is of no kind that has to be asked for and was not.
bool is_asked_for(const DeviceAddress& address, const Device& device, const AddressRules& rules) {
  const auto fine = [&rules](bool is_of_kind, std::uint32_t kind) {
    return !is_of_kind || rules.include.contains(kind);
  };
  return (address.flags & IFA_F_DADFAILED) == 0 &&
         fine((address.flags & IFA_F_TENTATIVE) != 0, TCPOPT_ADDR_KIND_TENTATIVE) &&
         fine(is_link_local(address), TCPOPT_ADDR_KIND_LINK_LOCAL) &&
         fine(is_loopback(address, device), TCPOPT_ADDR_KIND_LOOPBACK);
}

struct Candidate {
  tcpopt_addr entry{};
  bool known = false;     ///< it has a place already
  std::size_t rank = 0;   ///< among those of its interface and family
  std::size_t order = 0;  ///< as the kernel lists them
};

bool is_same(const tcpopt_addr& left, const tcpopt_addr& right) {
  return left.family == right.family && left.ifindex == right.ifindex &&
         std::equal(std::begin(left.addr), std::end(left.addr), std::begin(right.addr));
}

std::vector<Candidate> candidates_of(const Network& network, const AddressRules& rules,
                                     std::span<const tcpopt_addr> before) {
  std::vector<Candidate> found;
  const auto private_ones = with_temporary(network);
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::size_t> ranks;
  for (const auto& address : network.addresses) {
    const auto at = network.devices.find(address.index);
    if (at == network.devices.end()) {
      continue;
    }
    const auto& device = at->second;
    if (!is_usable(device) || !is_chosen(device, rules) || !is_chosen(address, rules) ||
        !is_asked_for(address, device, rules) ||
        (rules.temporary == Temporary::Never && is_temporary(address))) {
      continue;
    }
    // Of an interface that has better ones, for what there is and nothing new.
    const bool outdone = rules.temporary == Temporary::Rather && address.family == AF_INET6 &&
                         !is_temporary(address) && private_ones.contains(address.index);
    Candidate candidate;
    auto& entry = candidate.entry;
    entry.family = address.family;
    entry.ifindex = address.index;
    entry.type = device.type;
    entry.flags = (match_any(rules.backup, device.name) ? TCPOPT_ADDR_BACKUP : 0U) |
                  (outdone || is_deprecated(address, rules) ? TCPOPT_ADDR_DEPRECATED : 0U);
    std::copy(address.address.begin(), address.address.end(), std::begin(entry.addr));
    candidate.known = std::any_of(before.begin(), before.end(),
                                  [&entry](const tcpopt_addr& old) { return is_same(old, entry); });
    candidate.rank = ranks[{entry.ifindex, entry.family, entry.flags & TCPOPT_ADDR_DEPRECATED}]++;
    candidate.order = found.size();
    found.push_back(candidate);
  }
  return found;
}

}  // namespace

AddressRules address_rules(const Schema& schema, const Values& values) {
  AddressRules rules{.only = patterns_of(schema, values, kInterfacesKey),
                     .except = patterns_of(schema, values, kExceptKey),
                     .backup = patterns_of(schema, values, kBackupKey),
                     .include = {},
                     .within = prefixes_of(schema, values, kPrefixKey),
                     .without = prefixes_of(schema, values, kNoPrefixKey),
                     .temporary = temporary_of(schema, values)};
  for (const auto& [bytes, value] : entries_of(schema, values, kIncludeKey)) {
    rules.include.insert(key_from<std::uint32_t>(bytes));
  }
  return rules;
}

tcpopt_addrs select_addresses(const Network& network, const AddressRules& rules,
                              const tcpopt_addrs& before) {
  const std::span<const tcpopt_addr> places(before.addr);
  auto chosen =
      candidates_of(network, rules, places.first(std::min<std::size_t>(before.nr, places.size())));
  tcpopt_addrs addrs{};
  const auto count = std::min(chosen.size(), std::span(addrs.addr).size());
  const auto is_old = [](const Candidate& one) {
    return (one.entry.flags & TCPOPT_ADDR_DEPRECATED) != 0;
  };
  // What is in use stays; of the others each interface and family gets its share.
  std::stable_sort(
      chosen.begin(), chosen.end(), [&is_old](const Candidate& left, const Candidate& right) {
        return std::tuple(is_old(left), !left.known, left.rank, left.entry.ifindex) <
               std::tuple(is_old(right), !right.known, right.rank, right.entry.ifindex);
      });
  addrs.nr = static_cast<__u32>(count);
  addrs.left_out = static_cast<__u32>(chosen.size() - count);
  chosen.resize(count);
  std::sort(chosen.begin(), chosen.end(), [](const Candidate& left, const Candidate& right) {
    return std::tuple(left.entry.ifindex, left.order) <
           std::tuple(right.entry.ifindex, right.order);
  });
  std::transform(chosen.begin(), chosen.end(), std::begin(addrs.addr),
                 [](const Candidate& one) { return one.entry; });
  return addrs;
}

}  // namespace tcpopt
