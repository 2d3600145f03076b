// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/address_map.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
#include <utility>

#include "kernel/sessions.h"

namespace tcpopt {

namespace {

// Namespaces that are listed one by one, so that a reply holds them.
constexpr std::size_t kListed = 32;

Result<NetNamespaces> candidates(const Cgroup* cgroup) {
  if (cgroup != nullptr) {
    return namespaces_of(*cgroup);
  }
  auto own = own_namespace();
  if (!own) {
    return pass(own);
  }
  NetNamespaces only;
  only.all.push_back(std::move(*own));
  return only;
}

bool is_connected(const Space& space, const std::set<std::uint64_t>& cgroups) {
  bool connected = false;
  const auto errors = run_inside(std::span(&space.where, 1), [&]() -> Status {
    auto found = has_connection(cgroups);
    connected = found.value_or(false);
    return found ? Status() : pass(found);
  });
  for (const auto& error : errors) {
    spdlog::debug("{}", error.line());
  }
  return connected;
}

nlohmann::json address_json(const tcpopt_addr& address, const Network& network) {
  const auto device = network.devices.find(address.ifindex);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(static_cast<int>(address.family), std::begin(address.addr), text.data(), text.size());
  return {{"interface", device != network.devices.end() ? device->second.name
                                                        : fmt::format("{}", address.ifindex)},
          {"address", text.data()},
          {"backup", (address.flags & TCPOPT_ADDR_BACKUP) != 0},
          {"deprecated", (address.flags & TCPOPT_ADDR_DEPRECATED) != 0}};
}

std::span<const tcpopt_addr> addresses_in(const tcpopt_addrs& value) {
  const std::span<const tcpopt_addr> all(value.addr);
  return all.first(std::min<std::size_t>(value.nr, all.size()));
}

}  // namespace

Result<AddressMap> AddressMap::open(
    const LocalAddrs& declared, AddressRules rules,
    const std::function<Result<UniqueFd>(const std::string&)>& find) {
  AddressMap map;
  map.rules_ = std::move(rules);
  map.capacity_ = declared.capacity;
  auto fd = find(declared.map);
  if (!fd) {
    return pass(fd);
  }
  map.map_ = std::move(*fd);
  if (!declared.want.empty()) {
    auto ring = find(declared.want).and_then([](UniqueFd&& opened) {
      return CookieRing::open(std::move(opened));
    });
    if (!ring) {
      return pass(ring, declared.want);
    }
    map.ring_ = std::move(*ring);
  }
  return map;
}

void AddressMap::miss(Error error, Outcome& outcome) {
  outcome.problems.push_back(std::move(error));
  missing_ = true;
  again_ = true;
}

AddressMap::Places AddressMap::occupied(Spaces& spaces, const Cgroup* cgroup, Outcome& outcome) {
  Places places;
  auto found = candidates(cgroup);
  if (!found) {
    miss(std::move(found.error()), outcome);
    return places;
  }
  if (!found->complete) {
    miss(std::move(found->complete.error()), outcome);
  }
  for (auto& where : found->all) {
    const bool is_own = &where == &found->all.front();
    auto witness = std::move(where.witness);
    auto space = spaces.open(std::move(where));
    if (!space) {
      miss(std::move(space.error()), outcome);
      continue;
    }
    if (is_own) {
      own_ = *space;
    }
    if (witness) {
      const auto cookie = (*space)->watch.cookie();
      places.emplace(cookie, Place{std::move(*space), std::move(witness)});
    }
  }
  return places;
}

void AddressMap::add_connected(const std::set<std::uint64_t>& cgroups, Places& places) {
  std::set<SpacePtr> candidates;
  for (const auto& [cookie, place] : places_) {
    candidates.insert(place.space);
  }
  // One that is asked for and has no process may be ours; others cannot be found.
  if (own_ && (wanted_.contains(own_->watch.cookie()) || read(own_->watch.cookie()))) {
    candidates.insert(own_);
  }
  for (const auto& space : candidates) {
    const auto cookie = space->watch.cookie();
    if (!places.contains(cookie) && is_connected(*space, cgroups)) {
      places.emplace(cookie, Place{space, {}});
      // Nothing tells when the last one is closed.
      again_ = true;
    }
  }
}

AddressMap::Outcome AddressMap::scan(Spaces& spaces, const Cgroup* cgroup,
                                     std::uint64_t cgroup_id) {
  Outcome outcome;
  again_ = cgroup == nullptr;
  missing_ = false;
  auto places = occupied(spaces, cgroup, outcome);
  Cgroup::Found<std::set<std::uint64_t>> ids{{cgroup_id}, {}};
  if (cgroup != nullptr) {
    ids = cgroup->ids();
  }
  if (!ids.complete) {
    miss(std::move(ids.complete.error()), outcome);
  }
  add_connected(ids.all, places);
  if (missing_) {
    // Which of them it is that was not seen, nobody knows.
    places.merge(places_);
  }
  if (places.empty() && own_) {
    places.emplace(own_->watch.cookie(), Place{own_, {}});
  }
  wanted_.clear();
  places_ = std::move(places);
  // First those that go, in case there is no room for all.
  drop_others();
  for (const auto& [cookie, place] : places_) {
    write(place, outcome);
  }
  return outcome;
}

bool AddressMap::holds_others() const {
  return std::any_of(places_.begin(), places_.end(),
                     [this](const auto& entry) { return entry.second.space != own_; });
}

AddressMap::Outcome AddressMap::update(const std::set<Cookie>& changed) const {
  Outcome outcome;
  for (const auto cookie : changed) {
    if (const auto place = places_.find(cookie); place != places_.end()) {
      write(place->second, outcome);
    }
  }
  return outcome;
}

void AddressMap::drop_others() const {
  std::vector<Cookie> unwanted;
  Cookie cookie = 0;
  const Cookie* after = nullptr;
  while (bpf_map_get_next_key(map_.get(), after, &cookie) == 0) {
    if (!places_.contains(cookie)) {
      unwanted.push_back(cookie);
    }
    after = &cookie;
  }
  for (const auto one : unwanted) {
    bpf_map_delete_elem(map_.get(), &one);
  }
}

std::optional<tcpopt_addrs> AddressMap::read(Cookie cookie) const {
  tcpopt_addrs value{};
  return bpf_map_lookup_elem(map_.get(), &cookie, &value) == 0 ? std::optional(value)
                                                               : std::nullopt;
}

void AddressMap::write(const Place& place, Outcome& outcome) const {
  const auto cookie = place.space->watch.cookie();
  const auto there = read(cookie);
  const auto before = there.value_or(tcpopt_addrs{});
  const auto wanted = select_addresses(place.space->watch.network(), rules_, before);
  if (there && std::memcmp(&*there, &wanted, sizeof(wanted)) == 0) {
    return;
  }
  if (wanted.left_out > before.left_out) {
    spdlog::warn(
        "network namespace of {}: {} local addresses are left out, a program is told of "
        "{}; choose with interfaces= and except=",
        place.space->where.found_at, wanted.left_out, TCPOPT_ADDRS_MAX);
  }
  if (before_change_) {
    before_change_();
  }
  if (bpf_map_update_elem(map_.get(), &cookie, &wanted, BPF_ANY) == 0) {
    outcome.changed.push_back(place.space);
    return;
  }
  const int err = errno;
  auto failed =
      err == E2BIG
          ? fail("the map of local addresses is full",
                 fmt::format("have the cgroup in at most {} network namespaces", capacity_))
          : fail_errno(err, "write local addresses");
  outcome.problems.push_back(
      std::move(failed.value())
          .in(fmt::format("network namespace of {}", place.space->where.found_at)));
}

std::vector<int> AddressMap::descriptors() const {
  std::vector<int> found;
  if (ring_) {
    found.push_back(ring_->fd());
  }
  for (const auto& [cookie, place] : places_) {
    if (place.witness) {
      found.push_back(place.witness.get());
    }
  }
  return found;
}

bool AddressMap::take_events(const std::set<int>& readable) {
  bool look = false;
  if (ring_ && readable.contains(ring_->fd())) {
    for (const auto cookie : ring_->take()) {
      if (!places_.contains(cookie)) {
        wanted_.insert(cookie);
        look = true;
      }
    }
  }
  for (auto& [cookie, place] : places_) {
    if (place.witness && readable.contains(place.witness.get())) {
      place.witness.reset();  // ended; it would be readable for ever
      look = true;
    }
  }
  return look;
}

nlohmann::json AddressMap::describe() const {
  std::size_t addresses = 0;
  std::size_t backups = 0;
  std::size_t left_out = 0;
  auto listed = nlohmann::json::array();
  for (const auto& [cookie, place] : places_) {
    const auto value = read(cookie).value_or(tcpopt_addrs{});
    auto entries = nlohmann::json::array();
    for (const auto& address : addresses_in(value)) {
      entries.push_back(address_json(address, place.space->watch.network()));
      backups += (address.flags & TCPOPT_ADDR_BACKUP) != 0 ? 1 : 0;
    }
    addresses += entries.size();
    left_out += value.left_out;
    if (listed.size() < kListed) {
      listed.push_back({{"cookie", cookie},
                        {"found_at", place.space->where.found_at},
                        {"left_out", value.left_out},
                        {"addresses", std::move(entries)}});
    }
  }
  return {{"namespaces", places_.size()},
          {"addresses", addresses},
          {"backups", backups},
          {"left_out", left_out},
          {"netns", std::move(listed)}};
}

}  // namespace tcpopt
