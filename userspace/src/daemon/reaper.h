// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "daemon/background.h"
#include "kernel/cgroup.h"

namespace tcpopt {

/// Hears that cgroups are removed, and has what was attached to them looked at until
/// the kernel has let go of it.
class Reaper final : public Background {
 public:
  /// Whether something of it is left: the kernel lets go when the last socket does.
  using Look = std::function<bool(const std::filesystem::path& pins)>;

  explicit Reaper(Look look) : look_(std::move(look)) {}

  /// Errors: inotify has no room.
  [[nodiscard]] Status watch(const std::filesystem::path& pins, const Cgroup& cgroup);
  /// Its cgroup is gone already.
  void await_end(const std::filesystem::path& pins);
  void forget(const std::filesystem::path& pins);

  [[nodiscard]] std::vector<int> descriptors() const override;
  [[nodiscard]] std::optional<Clock::time_point> due() const override;
  void work(const std::set<int>& readable) override;

 private:
  struct Watched {
    int parent = -1;  ///< inotify's number of the directory that the cgroup is in
    std::uint64_t cgroup_id = 0;
  };

  void take_events();

  Look look_;
  UniqueFd inotify_;
  std::map<std::filesystem::path, Watched> watched_;
  std::map<int, int> users_;  ///< of inotify's numbers: how many cgroups are in it
  std::set<std::filesystem::path> ending_;
  std::optional<Clock::time_point> next_look_;
};

}  // namespace tcpopt
