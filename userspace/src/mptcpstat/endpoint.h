// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "mptcpstat/reader.h"

namespace tcpopt::mptcpstat {

/// IPv4 is kept as ::ffff:a.b.c.d.
struct Address {
  std::array<std::uint8_t, 16> bytes{};

  /// @param raw 4 or 16 bytes
  [[nodiscard]] static Address from(Bytes raw);
  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] std::string text() const;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees one in what <=> becomes
  friend auto operator<=>(const Address&, const Address&) = default;
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;

  /// 10.0.0.1:80 or [fd00::1]:80
  [[nodiscard]] std::string text() const;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees one in what <=> becomes
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace tcpopt::mptcpstat
