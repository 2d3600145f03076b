// SPDX-License-Identifier: GPL-2.0-or-later
// Values for people, and from them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "mptcpstat/segment.h"

namespace tcpopt::mptcpstat {

/// Three to four digits: "1.25 MB", in powers of 1000.
[[nodiscard]] std::string size_text(std::uint64_t bytes);
/// "12.3 ms"
[[nodiscard]] std::string time_text(Time time);
/// Local time with milliseconds.
[[nodiscard]] std::string date_text(Time time);
/// "5f3a1c22" or "0x5f3a1c22"
[[nodiscard]] Result<std::uint32_t> parse_token(std::string_view text);
/// Seconds since 1970, "2026-11-26 01:02:03" in local time, with a fraction or without,
/// or "+SECONDS" after @p start.
struct When {
  bool relative = false;
  Time time = 0;
  [[nodiscard]] Time after(Time start) const { return relative ? start + time : time; }
};
[[nodiscard]] Result<When> parse_when(const std::string& text);

}  // namespace tcpopt::mptcpstat
