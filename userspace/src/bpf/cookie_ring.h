// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/handles.h"

namespace tcpopt {

/// The reading end of a ring buffer map of cookies, __u64 each.
class CookieRing {
 public:
  /// Errors: not a ring buffer; no memory.
  static Result<CookieRing> open(UniqueFd map);

  /// Can be read from when there are records.
  [[nodiscard]] int fd() const { return ring_buffer__epoll_fd(ring_.get()); }

  /// What is in it, which is out of it then. Records of another size are dropped.
  [[nodiscard]] std::set<std::uint64_t> take();

 private:
  CookieRing() = default;

  UniqueFd map_;
  RingHandle ring_;  // before map_ is closed
  // On the heap, as the ring has its address.
  std::unique_ptr<std::set<std::uint64_t>> taken_ = std::make_unique<std::set<std::uint64_t>>();
};

}  // namespace tcpopt
