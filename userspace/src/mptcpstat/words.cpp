// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <limits>

namespace tcpopt::mptcpstat {

namespace {

/// At least three significant digits, where there are any.
std::string digits(double value, std::string_view unit) {
  const int places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, places, unit);
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) {
    return fmt::format("{} B", bytes);
  }
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return digits(value, kUnits.at(unit));
}

std::string time_text(Time time) {
  const char* const sign = time < 0 ? "-" : "";
  const double value = std::abs(static_cast<double>(time));
  if (value == 0) {
    return "0 s";
  }
  if (value < 999'500) {
    return sign + digits(value / 1e3, "us");
  }
  if (value < 999.5e6) {
    return sign + digits(value / 1e6, "ms");
  }
  return sign + digits(value / 1e9, "s");
}

std::string date_text(Time time) {
  const std::time_t seconds = time / kSecond;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03}", parts, time % kSecond / kMillisecond);
}

Result<std::uint32_t> parse_token(std::string_view text) {
  auto rest = text;
  if (rest.starts_with("0x")) {
    rest.remove_prefix(2);
  }
  std::uint32_t token = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), token, 16);
  if (error != std::errc{} || end != rest.data() + rest.size()) {
    return fail(fmt::format("'{}' is not a token", text),
                "give its 8 hexadecimal digits, as ss -tin and the output here show them");
  }
  return token;
}

Result<When> parse_when(const std::string& text) {
  const auto wrong = [&text] {
    return fail(fmt::format("'{}' is not a time", text),
                "give seconds since 1970, +SECONDS after the first segment, or "
                "\"YYYY-MM-DD HH:MM:SS\" in local time");
  };
  const bool relative = text.starts_with("+");
  const char* const begin = text.data() + (relative ? 1 : 0);
  const char* const end = text.data() + text.size();
  double seconds = 0;
  if (const auto parsed = std::from_chars(begin, end, seconds);
      parsed.ec == std::errc{} && parsed.ptr == end) {
    if (!(seconds >= 0 && seconds < 8e9)) {
      return wrong();
    }
    const double whole = std::floor(seconds);
    return When{relative, static_cast<Time>(whole) * kSecond +
                              std::llround((seconds - whole) * static_cast<double>(kSecond))};
  }
  std::tm parts{};
  parts.tm_isdst = -1;
  const char* rest = relative ? nullptr : strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &parts);
  if (rest == nullptr) {
    rest = relative ? nullptr : strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  }
  double fraction = 0;
  if (rest == nullptr) {
    return wrong();
  }
  if (*rest != '\0') {
    const auto parsed = std::from_chars(rest, end, fraction);
    if (*rest != '.' || parsed.ec != std::errc{} || parsed.ptr != end) {
      return wrong();
    }
  }
  const auto whole = std::mktime(&parts);
  if (whole < 0) {
    return wrong();
  }
  return When{false, whole * kSecond + std::llround(fraction * static_cast<double>(kSecond))};
}

}  // namespace tcpopt::mptcpstat
