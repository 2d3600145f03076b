// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/spaces.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace tcpopt {

Result<SpacePtr> Spaces::open(NetNamespace where) {
  // One that is watched lives, so no other has its inode number.
  std::erase_if(by_inode_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto known = by_inode_.find(where.inode); known != by_inode_.end()) {
    auto space = known->second.lock();
    space->where.found_at = std::move(where.found_at);
    return space;
  }
  std::optional<NetworkWatch> watch;
  auto errors = run_inside(std::span(&where, 1), [&watch]() -> Status {
    auto opened = NetworkWatch::open();
    if (!opened) {
      return pass(opened);
    }
    watch.emplace(std::move(*opened));
    return {};
  });
  if (!watch) {
    return tl::make_unexpected(errors.empty() ? Error{"a thread failed", ""}
                                              : std::move(errors.front()));
  }
  auto space = std::make_shared<Space>(Space{std::move(where), std::move(*watch)});
  by_inode_[space->where.inode] = space;
  return space;
}

std::vector<SpacePtr> Spaces::all() const {
  std::vector<SpacePtr> found;
  for (const auto& [inode, weak] : by_inode_) {
    if (auto space = weak.lock()) {
      found.push_back(std::move(space));
    }
  }
  return found;
}

std::vector<int> Spaces::descriptors() const {
  std::vector<int> found;
  for (const auto& space : all()) {
    found.push_back(space->watch.fd());
  }
  return found;
}

std::set<Cookie> Spaces::refresh(const std::set<int>& readable) {
  std::set<Cookie> changed;
  for (const auto& space : all()) {
    if (!space->stale && !readable.contains(space->watch.fd())) {
      continue;
    }
    const auto differs = space->watch.refresh(space->stale);
    if (!differs) {
      spdlog::warn("network namespace of {}: {}", space->where.found_at, differs.error().line());
    }
    space->stale = !differs;
    if (differs && *differs) {
      changed.insert(space->watch.cookie());
    }
  }
  return changed;
}

bool Spaces::any_stale() const {
  const auto spaces = all();
  return std::any_of(spaces.begin(), spaces.end(),
                     [](const SpacePtr& space) { return space->stale; });
}

}  // namespace tcpopt
