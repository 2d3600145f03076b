// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/session_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "kernel/cgroup.h"
#include "kernel/netns.h"

namespace tcpopt {

namespace {

// With the largest session on top a page is within a message.
constexpr std::size_t kSessionPageSize = kMaxMessage / 4;
constexpr std::size_t kMostShownSubflows = 128;
// 11 MB; nobody reads more than that.
constexpr std::size_t kMostSubflows = 64UL * 1024;

/// Cgroups by id, each looked up once a page.
class CgroupPaths {
 public:
  const std::string& operator[](std::uint64_t id) {
    const auto [at, fresh] = paths_.try_emplace(id);
    if (fresh && id != 0) {
      if (const auto cgroup = Cgroup::by_id(id); cgroup && *cgroup) {
        at->second = (*cgroup)->path().string();
      }
    }
    return at->second;
  }

 private:
  std::map<std::uint64_t, std::string> paths_;
};

}  // namespace

Result<SessionPages::Seen> SessionPages::look() {
  if (!walk_) {
    auto loaded = SessionWalk::load();
    if (!loaded) {
      return pass(loaded);
    }
    walk_.emplace(std::move(*loaded));
  }
  const auto mount = cgroup2_mount();
  if (!mount) {
    return fail("cgroup v2 is not mounted", "mount -t cgroup2 none /sys/fs/cgroup");
  }
  auto namespaces =
      Cgroup::open(*mount).and_then([](const Cgroup& all) { return namespaces_of(all); });
  if (!namespaces) {
    return pass(namespaces);
  }
  Seen seen;
  for (const auto& space : namespaces->all) {
    const auto before = seen.subflows.size();
    for (const auto& error : run_inside(std::span(&space, 1),
                                        [&] { return walk_->run(seen.subflows, kMostSubflows); })) {
      seen.warnings.push_back(error.line());
    }
    if (seen.subflows.size() > before) {
      seen.netns[seen.subflows.back().netns] = space.found_at;
    }
  }
  if (!namespaces->complete) {
    seen.warnings.push_back(namespaces->complete.error().line());
  }
  if (seen.subflows.size() >= kMostSubflows) {
    seen.warnings.push_back(fmt::format("there may be more than {} subflows", kMostSubflows));
  }
  sort_subflows(seen.subflows);
  return seen;
}

Reply SessionPages::page(const std::string& after) {
  if (after.empty() || !seen_) {
    auto seen = look();
    if (!seen) {
      return pass(seen);
    }
    seen_ = std::move(*seen);
  }
  nlohmann::json page{{"sessions", nlohmann::json::array()}};
  auto rest = std::span<const tcpopt_subflow_record>(seen_->subflows);
  rest = rest.subspan(static_cast<std::size_t>(
      std::partition_point(rest.begin(), rest.end(),
                           [&after](const auto& record) { return session_key(record) <= after; }) -
      rest.begin()));
  CgroupPaths cgroups;
  std::size_t size = 0;
  while (!rest.empty() && size <= kSessionPageSize) {
    const auto session = first_session(rest);
    const auto& any = session.front();
    auto shown =
        session_json(session, {cgroups[any.cgroup], seen_->netns[any.netns]}, kMostShownSubflows);
    size += to_text(shown).size();
    page["sessions"].push_back(std::move(shown));
    page["next"] = session_key(any);
    rest = rest.subspan(session.size());
  }
  if (rest.empty()) {
    page.erase("next");
    page["warnings"] = seen_->warnings;
    seen_.reset();
  }
  return page;
}

}  // namespace tcpopt
