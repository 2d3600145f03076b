// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "ipc/message.h"
#include "kernel/cgroup.h"
#include "policy/cgroup_watch.h"

namespace tcpopt {

/// Has the cgroups that the policy means covered as they appear, and keeps what it means
/// in a file for the next daemon.
class Coverage final : public Background {
 public:
  /// Attaches, if it is not attached there, and logs what came of it.
  using Attach = std::function<void(const CoverRule&, const Cgroup&)>;

  Coverage(std::filesystem::path state, Attach attach)
      : state_(std::move(state)),
        attach_(std::move(attach)),
        watch_([this](std::size_t rule, const std::string& path) { found(rule, path); }) {}

  /// From now on these, in place of others.
  /// Errors: a pattern that is none, then nothing is changed; what may be missed.
  [[nodiscard]] Status cover(std::vector<CoverRule> rules);

  /// What a predecessor was told, if any was.
  [[nodiscard]] Status resume();

  [[nodiscard]] std::vector<int> descriptors() const override { return watch_.descriptors(); }
  [[nodiscard]] std::optional<Clock::time_point> due() const override { return watch_.due(); }
  void work(const std::set<int>& readable) override { watch_.work(readable); }

 private:
  [[nodiscard]] Status start(std::vector<CoverRule> rules);
  [[nodiscard]] Status save() const;
  void found(std::size_t rule, const std::string& path) const;

  std::filesystem::path state_;
  Attach attach_;
  std::filesystem::path mount_;
  std::vector<CoverRule> rules_;
  CgroupWatch watch_;
};

}  // namespace tcpopt
