// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/coverage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/unique_fd.h"

namespace tcpopt {

namespace fs = std::filesystem;

Status Coverage::cover(std::vector<CoverRule> rules) {
  // Also where some may be missed.
  auto started = start(std::move(rules));
  auto saved = save();
  return started ? saved : started;
}

Status Coverage::start(std::vector<CoverRule> rules) {
  const auto mount = cgroup2_mount();
  if (!mount) {
    return fail("cgroup v2 is not mounted", "mount -t cgroup2 none /sys/fs/cgroup");
  }
  const auto parse = [&mount](const CoverRule& rule) {
    return CgroupPattern::parse(rule.cgroup, mount->string());
  };
  // A name counts before a pattern.
  std::stable_partition(rules.begin(), rules.end(), [&parse](const CoverRule& rule) {
    const auto pattern = parse(rule);
    return pattern && !pattern->has_wildcards();
  });
  std::vector<CgroupPattern> patterns;
  for (const auto& rule : rules) {
    auto pattern = parse(rule);
    if (!pattern) {
      return pass(pattern, fmt::format("cgroup '{}'", rule.cgroup));
    }
    patterns.push_back(std::move(*pattern));
  }
  mount_ = *mount;
  rules_ = std::move(rules);
  return watch_.watch(mount_, std::move(patterns));
}

// On disk before it takes the old one's place, or a loss of power could leave neither.
Status Coverage::save() const {
  const auto fresh = state_.string() + ".new";
  const auto text = to_text(rules_);
  bool done = false;
  if (const UniqueFd file(
          ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
      file) {
    done = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
           ::fsync(file.get()) == 0;
  }
  std::error_code code;
  if (done) {
    fs::rename(fresh, state_, code);
  }
  if (const UniqueFd directory(
          ::open(state_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      directory) {
    done = done && ::fsync(directory.get()) == 0;
  }
  return done && !code ? Status()
                       : fail(fmt::format("{} cannot be written", state_.string()),
                              "tell the next daemon with tcpoptctl apply");
}

Status Coverage::resume() {
  std::ifstream file(state_);
  if (!file) {
    return {};
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<CoverRule> rules;
  try {
    rules = nlohmann::json::parse(text).get<std::vector<CoverRule>>();
  } catch (const nlohmann::json::exception& error) {
    return fail(fmt::format("{}: {}", state_.string(), error.what()), "run tcpoptctl apply");
  }
  spdlog::info("{} entries of the policy hold", rules.size());
  return start(std::move(rules));
}

void Coverage::found(std::size_t rule, const std::string& path) const {
  const auto full = path.empty() ? mount_ : mount_ / path;
  const auto cgroup = Cgroup::open(full);
  if (!cgroup) {
    // One that was there for a moment only is no loss.
    std::error_code code;
    const bool is_there = std::filesystem::exists(full, code);
    spdlog::log(is_there || code ? spdlog::level::warn : spdlog::level::debug, "not covered: {}",
                cgroup.error().line());
    return;
  }
  attach_(rules_.at(rule), *cgroup);
}

}  // namespace tcpopt
