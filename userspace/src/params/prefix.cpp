// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/prefix.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>

namespace tcpopt {

namespace {

constexpr __u32 kMappedBits = 96;  // of ::ffff:0:0/96
constexpr std::array<__u8, kMappedBits / 8> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const tcpopt_prefix& prefix) {
  return prefix.bits >= kMappedBits &&
         std::equal(kMapped.begin(), kMapped.end(), std::begin(prefix.addr));
}

tcpopt_prefix without_host_bits(tcpopt_prefix prefix) {
  std::span<__u8> bytes(prefix.addr);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto kept = std::clamp(static_cast<int>(prefix.bits) - 8 * static_cast<int>(i), 0, 8);
    bytes[i] = static_cast<__u8>(bytes[i] & (0xff00U >> static_cast<unsigned>(kept)));
  }
  return prefix;
}

/// The address alone; bits are those of a whole address.
bool parse_address(const std::string& text, tcpopt_prefix& prefix, __u32& shift) {
  prefix.bits = 128;
  shift = 0;
  if (inet_pton(AF_INET6, text.c_str(), std::begin(prefix.addr)) == 1) {
    return true;
  }
  shift = kMappedBits;
  std::copy(kMapped.begin(), kMapped.end(), std::begin(prefix.addr));
  return inet_pton(AF_INET, text.c_str(), &prefix.addr[kMapped.size()]) == 1;
}

}  // namespace

Result<tcpopt_prefix> parse_prefix(std::string_view text) {
  const auto slash = text.find('/');
  tcpopt_prefix prefix{};
  __u32 shift = 0;
  if (!parse_address(std::string(text.substr(0, slash)), prefix, shift)) {
    return fail(fmt::format("'{}' is not a prefix", text),
                "write ADDRESS/BITS, as in 10.0.0.0/8 or 2001:db8::/32");
  }
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto* const end = digits.data() + digits.size();
    __u32 bits = 0;
    const auto [at, code] = std::from_chars(digits.data(), end, bits);
    if (code != std::errc() || at != end || bits > 128 - shift) {
      return fail(fmt::format("'{}' has no length of 0..{} bits", text, 128 - shift),
                  "write ADDRESS/BITS, as in 10.0.0.0/8 or 2001:db8::/32");
    }
    prefix.bits = bits + shift;
  }
  const auto right = without_host_bits(prefix);
  if (std::memcmp(&right, &prefix, sizeof(prefix)) != 0) {
    return fail(fmt::format("{} has bits set behind its length", text),
                fmt::format("write {}, or the address alone for just that one", to_string(right)));
  }
  return prefix;
}

std::string to_string(const tcpopt_prefix& prefix) {
  const bool mapped = is_mapped(prefix);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(mapped ? AF_INET : AF_INET6, &prefix.addr[mapped ? kMapped.size() : 0], text.data(),
            text.size());
  return fmt::format("{}/{}", text.data(), prefix.bits - (mapped ? kMappedBits : 0));
}

bool holds_all_of_ipv4(const tcpopt_prefix& prefix) {
  tcpopt_prefix all{.bits = std::min(prefix.bits, kMappedBits), .addr = {}};
  std::copy(kMapped.begin(), kMapped.end(), std::begin(all.addr));
  all = without_host_bits(all);
  return prefix.bits < kMappedBits && std::memcmp(&all, &prefix, sizeof(all)) == 0;
}

bool contains(const tcpopt_prefix& prefix, std::uint32_t family, std::span<const __be32, 4> words) {
  tcpopt_prefix address{};
  if (family == AF_INET) {
    std::copy(kMapped.begin(), kMapped.end(), std::begin(address.addr));
    std::memcpy(&address.addr[kMapped.size()], words.data(), sizeof(words[0]));
  } else {
    std::memcpy(&address.addr, words.data(), words.size_bytes());
  }
  address.bits = prefix.bits;
  address = without_host_bits(address);
  return std::equal(std::begin(address.addr), std::end(address.addr), std::begin(prefix.addr));
}

}  // namespace tcpopt
