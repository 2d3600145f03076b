// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace tcpopt::mptcpstat {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Address Address::from(Bytes raw) {
  Address address;
  if (raw.size() == 4) {
    std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
    std::copy(raw.begin(), raw.end(), address.bytes.begin() + 12);
  } else if (raw.size() == 16) {
    std::copy(raw.begin(), raw.end(), address.bytes.begin());
  }
  return address;
}

bool Address::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const bool v4 = is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? bytes.data() + 12 : bytes.data(), buffer.data(),
            buffer.size());
  return buffer.data();
}

std::string Endpoint::text() const {
  return address.is_v4() ? fmt::format("{}:{}", address.text(), port)
                         : fmt::format("[{}]:{}", address.text(), port);
}

}  // namespace tcpopt::mptcpstat
