// SPDX-License-Identifier: GPL-2.0-or-later
// From a captured frame to a TCP segment. Nothing in a frame is trusted: what is
// missing or contradicts itself ends in a verdict that is counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mptcpstat/endpoint.h"
#include "mptcpstat/reader.h"

namespace tcpopt::mptcpstat {

/// Nanoseconds since 1970.
using Time = std::int64_t;
inline constexpr Time kSecond = 1'000'000'000;
inline constexpr Time kMillisecond = 1'000'000;

enum : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16 };

enum class Verdict {
  Tcp,
  Other,      ///< not TCP over IP
  Fragment,   ///< of an IP packet; its TCP header may be elsewhere
  Truncated,  ///< by the capture's snaplen, before the end of the TCP header
  Malformed,  ///< lengths that contradict each other
};

struct Segment {
  Time time = 0;
  Endpoint source, destination;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint16_t ip_id = 0;   ///< 0 over IPv6
  std::uint8_t ttl = 0;      ///< or hop limit
  std::uint32_t length = 0;  ///< bytes of payload on the wire
  Bytes payload;             ///< those of them that were captured
  Bytes options;             ///< those that were captured
  bool options_whole = true;

  [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

/// Link types that dissect() knows, by pcap_datalink(); their names for messages.
[[nodiscard]] bool knows_link_type(int link_type);

/// @param bytes the frame
/// @param wire_length its length before it was cut to the snaplen
[[nodiscard]] Verdict dissect(int link_type, Bytes bytes, std::uint32_t wire_length,
                              Segment& segment);

}  // namespace tcpopt::mptcpstat
