// SPDX-License-Identifier: GPL-2.0-or-later
#include "pm/busy.h"

#include <ctime>
#include <fstream>
#include <string>

namespace tcpopt::bench {

namespace {

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

/// Nanoseconds since boot; /proc/stat has hundredths of a second only.
Result<std::int64_t> idle() {
  std::ifstream file("/proc/timer_list");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon != std::string::npos && line.find(".idle_sleeptime") != std::string::npos) {
      return std::stoll(line.substr(colon + 1));
    }
  }
  return fail("/proc/timer_list does not tell the idle time", "run it as root");
}

}  // namespace

Result<BusyTime> BusyTime::start() {
  auto since_boot = idle();
  if (!since_boot) {
    return pass(since_boot);
  }
  return BusyTime(now(), *since_boot);
}

Result<std::int64_t> BusyTime::stop() const {
  const auto stopped = now();
  auto since_boot = idle();
  if (!since_boot) {
    return since_boot;
  }
  return (stopped - started_) - (*since_boot - idle_);
}

}  // namespace tcpopt::bench
