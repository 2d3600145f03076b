// SPDX-License-Identifier: GPL-2.0-or-later
// What bounds memory. Whatever meets a limit is counted and reported.
#pragma once

#include <cstddef>

#include "mptcpstat/segment.h"

namespace tcpopt::mptcpstat {

struct Limits {
  std::size_t sessions = 50'000;          ///< followed at a time
  std::size_t subflows = 100'000;         ///< followed at a time, of all sessions
  std::size_t subflows_of_session = 256;  ///< over its life
  std::size_t addresses_of_session = 16;  ///< announcements that are listed
  std::size_t ranges = 1'000'000;         ///< in all interval sets together
  std::size_t ranges_of_set = 1'024;
  std::size_t same_token = 8;   ///< sessions at a time
  Time idle = 3'600 * kSecond;  ///< a session without packets is over then
  Time linger = 60 * kSecond;   ///< one that has ended is kept for late packets
};

}  // namespace tcpopt::mptcpstat
