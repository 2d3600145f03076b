// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/cookie_ring.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace tcpopt {

namespace {

int take_record(void* into, void* data, std::size_t size) {
  std::uint64_t cookie = 0;
  if (size == sizeof(cookie)) {
    std::memcpy(&cookie, data, sizeof(cookie));
    static_cast<std::set<std::uint64_t>*>(into)->insert(cookie);
  }
  return 0;
}

}  // namespace

Result<CookieRing> CookieRing::open(UniqueFd map) {
  CookieRing ring;
  ring.map_ = std::move(map);
  ring.ring_.reset(ring_buffer__new(ring.map_.get(), take_record, ring.taken_.get(), nullptr));
  if (!ring.ring_) {
    return fail_errno(errno, "ring buffer");
  }
  return ring;
}

std::set<std::uint64_t> CookieRing::take() {
  ring_buffer__consume(ring_.get());
  return std::exchange(*taken_, {});
}

}  // namespace tcpopt
