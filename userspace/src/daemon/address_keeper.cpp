// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/address_keeper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "bpf/pinned.h"
#include "daemon/tell.h"

namespace tcpopt {

namespace {

using namespace std::chrono_literals;

// Sessions and processes that come and go fast must not keep the daemon busy.
constexpr auto kBetweenScans = 100ms;
// For what no event tells of: that the last connection is closed where no process is
// left, or that something which failed would succeed now.
constexpr auto kUntilNextTry = 2s;
// That a process has left a namespace, or the cgroup, nothing tells either; and what
// we watch, we keep alive.
constexpr auto kUntilRecheck = 10s;

std::vector<std::string> lines_of(const std::vector<Error>& errors) {
  std::vector<std::string> lines;
  std::transform(errors.begin(), errors.end(), std::back_inserter(lines),
                 [](const Error& error) { return error.line(); });
  return lines;
}

void log(const PinStore::Entry& pins, const std::vector<std::string>& warnings) {
  for (const auto& warning : warnings) {
    spdlog::warn("{}: {}", pins.path.filename().string(), warning);
  }
}

/// Whether sockets may still run into the program.
bool is_attached(const PinStore::Entry& pins) {
  const auto info =
      open_pin(pins.link()).and_then([](const UniqueFd& link) { return cgroup_link(link.get()); });
  return info && info->cgroup_id != 0;
}

}  // namespace

std::optional<Background::Clock::time_point> AddressKeeper::next_scan(const Kept& kept) {
  if (kept.map.has_to_scan_again()) {
    return kept.last_scan + kUntilNextTry;
  }
  return kept.map.holds_others() ? std::optional(kept.last_scan + kUntilRecheck) : std::nullopt;
}

AddressKeeper::Warnings AddressKeeper::tell(const Kept& kept, const AddressMap::Outcome& outcome) {
  auto warnings = lines_of(outcome.problems);
  bool heard = true;
  for (const auto& space : outcome.changed) {
    spdlog::debug("{}: other local addresses in the network namespace of {}",
                  kept.pins.path.filename().string(), space->where.found_at);
    for (const auto& error : run_iterator(kept.pins, std::span(&space->where, 1))) {
      warnings.push_back(
          fmt::format("live connections do not hear of their addresses: {}", error.line()));
      heard = false;
    }
  }
  if (heard && !outcome.changed.empty()) {
    PinStore::mark_told(kept.pins, kUntoldAddresses);
  }
  return warnings;
}

Result<AddressKeeper::Filled> AddressKeeper::fill(const LocalAddrs& declared, AddressRules rules,
                                                  const Cgroup& cgroup, const FindMap& find) {
  auto map = AddressMap::open(declared, std::move(rules), find);
  if (!map) {
    return pass(map);
  }
  const auto outcome = map->scan(spaces_, &cgroup, cgroup.id());
  return Filled{std::move(*map), lines_of(outcome.problems)};
}

AddressKeeper::Kept& AddressKeeper::put(const PinStore::Entry& pins, AddressMap map) {
  map.before_change([pins] { PinStore::mark_untold(pins, kUntoldAddresses); });
  const auto [at, is_new] =
      kept_.insert_or_assign(pins.path, Kept{pins, std::move(map), Clock::now(), std::nullopt});
  auto& kept = at->second;
  kept.next_scan = next_scan(kept);
  return kept;
}

void AddressKeeper::keep(const PinStore::Entry& pins, AddressMap map) { put(pins, std::move(map)); }

Status AddressKeeper::adopt(const PinStore::Entry& pins, const LocalAddrs& declared,
                            AddressRules rules) {
  auto map = AddressMap::open(declared, std::move(rules), [&pins](const std::string& name) {
    return open_pin(pins.map(name));
  });
  if (!map) {
    return pass(map);
  }
  if (const auto warnings = scan(put(pins, std::move(*map)))) {
    log(pins, *warnings);
  } else {
    forget(pins);
  }
  return {};
}

AddressKeeper::Warnings AddressKeeper::choose(const PinStore::Entry& pins,
                                              const LocalAddrs& declared, AddressRules rules) {
  const auto found = kept_.find(pins.path);
  if (found == kept_.end()) {
    const auto adopted = adopt(pins, declared, std::move(rules));
    return adopted ? Warnings{} : Warnings{adopted.error().line()};
  }
  found->second.map.choose(std::move(rules));
  return scan(found->second).value_or(Warnings{});
}

std::optional<AddressKeeper::Warnings> AddressKeeper::scan(Kept& kept) {
  if (!is_attached(kept.pins)) {
    return std::nullopt;
  }
  const auto cgroup = Cgroup::by_id(kept.pins.cgroup_id);
  if (!cgroup) {
    spdlog::warn("{}", cgroup.error().line());
  }
  const bool is_there = cgroup && *cgroup;
  const auto outcome = kept.map.scan(spaces_, is_there ? &**cgroup : nullptr, kept.pins.cgroup_id);
  kept.last_scan = Clock::now();
  kept.next_scan = next_scan(kept);
  return tell(kept, outcome);
}

nlohmann::json AddressKeeper::describe(const PinStore::Entry& pins) const {
  const auto found = kept_.find(pins.path);
  return found == kept_.end() ? nlohmann::json() : found->second.map.describe();
}

std::vector<int> AddressKeeper::descriptors() const {
  auto found = spaces_.descriptors();
  for (const auto& [path, kept] : kept_) {
    const auto more = kept.map.descriptors();
    found.insert(found.end(), more.begin(), more.end());
  }
  return found;
}

std::optional<Background::Clock::time_point> AddressKeeper::due() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&first](Clock::time_point time) {
    first = first ? std::min(*first, time) : time;
  };
  if (spaces_.any_stale()) {
    consider(Clock::now() + kUntilNextTry);
  }
  for (const auto& [path, kept] : kept_) {
    if (kept.next_scan) {
      consider(*kept.next_scan);
    }
  }
  return first;
}

void AddressKeeper::work(const std::set<int>& readable) {
  const auto changed = spaces_.refresh(readable);
  std::vector<PinStore::Entry> gone;
  for (auto& [path, kept] : kept_) {
    if (kept.map.take_events(readable)) {
      const auto soonest = kept.last_scan + kBetweenScans;
      kept.next_scan = kept.next_scan ? std::min(*kept.next_scan, soonest) : soonest;
    }
    if (!kept.next_scan || *kept.next_scan > Clock::now()) {
      log(kept.pins, tell(kept, kept.map.update(changed)));
    } else if (const auto warnings = scan(kept)) {
      log(kept.pins, *warnings);
    } else {
      gone.push_back(kept.pins);
    }
  }
  std::for_each(gone.begin(), gone.end(), [this](const auto& pins) { forget(pins); });
}

}  // namespace tcpopt
