// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/cgroup_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "kernel/directory_tree.h"

namespace tcpopt {

namespace {

/// Whether @p pattern matches a cgroup above the cgroup @p names.
bool matches_above(const CgroupPattern& pattern, const std::vector<std::string>& names) {
  std::vector<std::string> above;
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const bool matches = pattern.matches(above);
    above.push_back(name);
    return matches;
  });
}

bool is_gone(int err) { return err == ENOENT || err == ENODEV || err == ENOTDIR; }

}  // namespace

Status CgroupWatch::watch(std::filesystem::path top, std::vector<CgroupPattern> patterns) {
  top_ = std::move(top);
  patterns_ = std::move(patterns);
  const auto begun = begin();
  look_at_all();
  return begun ? complete_ : begun;
}

Status CgroupWatch::begin() {
  // A new one forgets all that is watched, and events of before.
  UniqueFd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) {
    return fail_errno(errno, "inotify", "raise fs.inotify.max_user_instances");
  }
  inotify_ = std::move(inotify);
  watched_.clear();
  numbers_.clear();
  return {};
}

void CgroupWatch::look_at_all() {
  complete_ = {};
  const UniqueFd top(::open(top_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) {
    note(fail_errno(errno, top_.string()));
    return;
  }
  Names names;
  look(top.get(), names);
}

void CgroupWatch::look(int directory, Names& names) {
  for (std::size_t at = 0; at < patterns_.size(); ++at) {
    if (patterns_[at].matches(names) && !matches_above(patterns_[at], names)) {
      found_(at, fmt::format("{}", fmt::join(names, "/")));
    }
  }
  if (is_of_interest(names)) {
    look_below(directory, names);
  }
}

bool CgroupWatch::is_of_interest(const Names& names) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&names](const CgroupPattern& pattern) {
    return pattern.may_match_below(names) && !pattern.matches(names) &&
           !matches_above(pattern, names);
  });
}

void CgroupWatch::look_below(int directory, Names& names) {
  // Watched first: what appears from now on is heard of, what was there is found below.
  const int number =
      inotify_add_watch(inotify_.get(), fmt::format("/proc/self/fd/{}", directory).c_str(),
                        IN_CREATE | IN_DELETE | IN_ONLYDIR);
  if (number < 0 && !is_gone(errno)) {
    note(fail_errno(errno, "inotify", "raise fs.inotify.max_user_watches"));
  }
  if (number >= 0) {
    watched_[number] = names;
    numbers_[names] = number;
  }
  auto children = child_directories(directory);
  if (!children) {
    note(pass(children, fmt::format("{}", fmt::join(names, "/"))));
    return;
  }
  for (auto& name : *children) {
    const auto child = open_directory(directory, name.c_str());
    const int err = errno;
    names.push_back(std::move(name));
    if (child) {
      look(child.get(), names);
    } else if (!is_gone(err)) {
      note(fail_errno(err, fmt::format("{}", fmt::join(names, "/"))));
    }
    names.pop_back();
  }
}

std::vector<int> CgroupWatch::descriptors() const {
  return inotify_ ? std::vector{inotify_.get()} : std::vector<int>();
}

void CgroupWatch::work(const std::set<int>& readable) {
  if (!inotify_ || !readable.contains(inotify_.get())) {
    return;
  }
  // Some events at a time: who makes cgroups faster than they are covered keeps nobody else
  // waiting. There is room for one with the longest name.
  alignas(inotify_event) std::array<char, 1024> buffer{};
  const auto size = ::read(inotify_.get(), buffer.data(), buffer.size());
  if (size > 0) {
    take(buffer.data(), static_cast<std::size_t>(size));
  }
}

void CgroupWatch::take(const char* events, std::size_t size) {
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    inotify_event event{};
    std::memcpy(&event, events + at, sizeof(event));
    const char* const name = events + at + sizeof(event);
    at += sizeof(event) + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      if (auto begun = begin(); !begun) {
        note(std::move(begun));
      }
      look_at_all();
      return;  // of before
    }
    const auto parent = watched_.find(event.wd);
    if (parent == watched_.end() || (event.mask & IN_ISDIR) == 0 || event.len == 0) {
      continue;
    }
    auto names = parent->second;
    names.emplace_back(name);
    if ((event.mask & IN_DELETE) != 0) {
      end_watch(names);
    } else {
      take_new(std::move(names));
    }
  }
}

void CgroupWatch::end_watch(const Names& names) {
  const auto ended = numbers_.find(names);
  if (ended != numbers_.end()) {
    inotify_rm_watch(inotify_.get(), ended->second);
    watched_.erase(ended->second);
    numbers_.erase(ended);
  }
}

void CgroupWatch::take_new(Names names) {
  const auto path = top_ / fmt::format("{}", fmt::join(names, "/"));
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (directory) {
    look(directory.get(), names);
  } else if (!is_gone(errno)) {
    note(fail_errno(errno, path.string()));
  }
}

void CgroupWatch::note(Status status) {
  spdlog::warn("cgroups may be missed: {}", status.error().line());
  if (complete_) {
    complete_ = std::move(status);
  }
}

}  // namespace tcpopt
