// SPDX-License-Identifier: GPL-2.0-or-later
// What is really in the segments, seen by a packet socket on lo.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/unique_fd.h"
#include "cases.h"

namespace tcpopt::bench {

class Wire {
 public:
  /// Sees packets from now on. Close it before measuring: it takes copies.
  static Result<Wire> open();

  /// Checks the data segments to @p port since open(): as many as a burst has,
  /// each with the whole payload, and the option, whole, once in those that are to
  /// have it. No segment has another one that is not the stack's.
  Status check_burst(std::uint16_t port, Option option);

 private:
  explicit Wire(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace tcpopt::bench
