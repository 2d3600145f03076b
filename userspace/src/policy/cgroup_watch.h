// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "daemon/background.h"
#include "policy/cgroup_pattern.h"

namespace tcpopt {

/// Hears of cgroups that match, as they appear.
class CgroupWatch final : public Background {
 public:
  /// Called in the order of the patterns, and again for a cgroup that it was called for.
  /// @param pattern its place among those that watch() was given
  /// @param path from the top on
  using Found = std::function<void(std::size_t pattern, const std::string& path)>;

  explicit CgroupWatch(Found found) : found_(std::move(found)) {}

  /// Watches for these below @p top in place of what was watched for, and calls for those
  /// that are there. Of cgroups in each other only the uppermost that matches counts, see
  /// find_cgroups().
  /// Errors: why some may be missed.
  [[nodiscard]] Status watch(std::filesystem::path top, std::vector<CgroupPattern> patterns);

  [[nodiscard]] std::vector<int> descriptors() const override;
  [[nodiscard]] std::optional<Clock::time_point> due() const override { return std::nullopt; }
  void work(const std::set<int>& readable) override;

 private:
  using Names = std::vector<std::string>;

  /// Watches anew, with nothing left of before.
  /// Errors: as watch(); what was watched is then watched on.
  Status begin();
  void look_at_all();
  /// Calls for the cgroup @p names, and for those in it.
  void look(int directory, Names& names);
  void look_below(int directory, Names& names);
  void take(const char* events, std::size_t size);
  void take_new(Names names);
  /// Of a cgroup that was removed nobody else ends the watch: cgroupfs does not say that it
  /// is gone for good (IN_IGNORED), and all of root shares the number of watches.
  void end_watch(const Names& names);
  [[nodiscard]] bool is_of_interest(const Names& names) const;
  void note(Status status);

  Found found_;
  std::filesystem::path top_;
  std::vector<CgroupPattern> patterns_;
  UniqueFd inotify_;
  std::map<int, Names> watched_;  ///< by inotify's numbers
  std::map<Names, int> numbers_;  ///< the same, the other way round
  Status complete_;
};

}  // namespace tcpopt
