// SPDX-License-Identifier: GPL-2.0-or-later
// How long the CPU was busy, which on scripts/vm --deterministic is how many
// instructions it executed.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace tcpopt::bench {

class BusyTime {
 public:
  static Result<BusyTime> start();

  /// Nanoseconds since start() in which CPU 0 was not idle. Reading the clock
  /// is not counted.
  [[nodiscard]] Result<std::int64_t> stop() const;

 private:
  BusyTime(std::int64_t started, std::int64_t idle) : started_(started), idle_(idle) {}

  std::int64_t started_, idle_;
};

}  // namespace tcpopt::bench
