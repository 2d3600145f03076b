// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <vector>

namespace tcpopt {

/// What the daemon does beside answering requests, on the same thread.
class Background {
 public:
  using Clock = std::chrono::steady_clock;

  Background() = default;
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  Background(Background&&) = delete;
  Background& operator=(Background&&) = delete;
  virtual ~Background() = default;

  /// Those to wait for until they can be read.
  [[nodiscard]] virtual std::vector<int> descriptors() const = 0;
  /// When to work though none of them can be read; none: never.
  [[nodiscard]] virtual std::optional<Clock::time_point> due() const = 0;
  /// Must not wait for anybody. A descriptor that was closed meanwhile may be in it.
  virtual void work(const std::set<int>& readable) = 0;
};

}  // namespace tcpopt
