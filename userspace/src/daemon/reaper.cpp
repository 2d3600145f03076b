// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/reaper.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tcpopt {

namespace {

using namespace std::chrono_literals;

// The kernel detaches in a work queue of its own.
constexpr auto kSoon = 50ms;
// No event tells that the last socket of a removed cgroup is closed.
constexpr auto kUntilNextLook = 2s;

}  // namespace

Status Reaper::watch(const std::filesystem::path& pins, const Cgroup& cgroup) {
  if (!inotify_) {
    inotify_ = UniqueFd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) {
      return fail_errno(errno, "inotify", "raise fs.inotify.max_user_instances");
    }
  }
  const auto parent = cgroup.parent();
  if (!parent) {
    return {};  // the topmost one stays
  }
  const int number =
      inotify_add_watch(inotify_.get(), ("/proc/self/fd/" + std::to_string(parent->fd())).c_str(),
                        IN_DELETE | IN_ONLYDIR);
  if (number < 0) {
    return fail_errno(errno, "inotify", "raise fs.inotify.max_user_watches");
  }
  forget(pins);
  watched_[pins] = {number, cgroup.id()};
  ++users_[number];
  return {};
}

void Reaper::await_end(const std::filesystem::path& pins) {
  if (ending_.insert(pins).second && !next_look_) {
    next_look_ = Clock::now() + kSoon;
  }
}

void Reaper::forget(const std::filesystem::path& pins) {
  ending_.erase(pins);
  const auto found = watched_.find(pins);
  if (found == watched_.end()) {
    return;
  }
  const int number = found->second.parent;
  watched_.erase(found);
  if (--users_[number] == 0) {
    users_.erase(number);
    inotify_rm_watch(inotify_.get(), number);
  }
}

std::vector<int> Reaper::descriptors() const {
  return inotify_ ? std::vector{inotify_.get()} : std::vector<int>();
}

std::optional<Background::Clock::time_point> Reaper::due() const {
  return ending_.empty() ? std::nullopt : next_look_;
}

void Reaper::take_events() {
  alignas(inotify_event) std::array<char, 16384> buffer{};
  while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
  }
  for (const auto& [pins, watched] : watched_) {
    if (const auto cgroup = Cgroup::by_id(watched.cgroup_id); cgroup && !*cgroup) {
      ending_.insert(pins);
      next_look_ = Clock::now() + kSoon;
    }
  }
}

void Reaper::work(const std::set<int>& readable) {
  if (inotify_ && readable.contains(inotify_.get())) {
    take_events();
  }
  if (ending_.empty() || !next_look_ || *next_look_ > Clock::now()) {
    return;
  }
  const auto ending = ending_;
  for (const auto& pins : ending) {
    if (!look_(pins)) {
      forget(pins);
    }
  }
  next_look_ = Clock::now() + kUntilNextLook;
}

}  // namespace tcpopt
