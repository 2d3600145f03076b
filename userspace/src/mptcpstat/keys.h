// SPDX-License-Identifier: GPL-2.0-or-later
// What MPTCP derives from keys: RFC 8684, section 3.1 (tokens and initial data
// sequence numbers), 3.2 (joins), 3.4.1 (announced addresses); RFC 6824 for
// version 0, which has SHA-1 where version 1 has SHA-256.
#pragma once

#include <array>
#include <cstdint>

#include "mptcpstat/options.h"

namespace tcpopt::mptcpstat {

struct KeyDigest {
  std::uint32_t token = 0;
  std::uint64_t idsn = 0;
};

[[nodiscard]] KeyDigest digest_key(std::uint64_t key, std::uint8_t version);

/// One end's answer to the other's nonce in MP_JOIN.
struct JoinSide {
  std::uint64_t key = 0;
  std::uint32_t nonce = 0;
};
[[nodiscard]] std::array<std::uint8_t, 20> join_hmac(std::uint8_t version, const JoinSide& sender,
                                                     const JoinSide& receiver);

[[nodiscard]] std::uint64_t add_addr_hmac(std::uint64_t sender_key, std::uint64_t receiver_key,
                                          const AddAddr& add);

}  // namespace tcpopt::mptcpstat
