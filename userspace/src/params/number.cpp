// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/number.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace tcpopt {

namespace {

template <class T>
Result<Number> parse_as(std::string_view text) {
  constexpr std::string_view kHex = "0x";
  const bool hex = text.starts_with(kHex);
  const auto digits = hex ? text.substr(kHex.size()) : text;
  T value{};
  // A second sign, as in "0x-1", is none of from_chars' business.
  if (hex && digits.starts_with('-')) {
    return fail(fmt::format("'{}' is not a number", text));
  }
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (code == std::errc::result_out_of_range) {
    return fail(fmt::format("{} does not fit into 64 bits", text));
  }
  if (code != std::errc() || end != digits.data() + digits.size()) {
    return fail(fmt::format("'{}' is not a number", text));
  }
  return value;
}

}  // namespace

Result<Number> parse_number(std::string_view text, bool is_signed) {
  // A negative number is read as such for an unsigned parameter too: "out of
  // range" says more than "not a number".
  return is_signed || text.starts_with('-') ? parse_as<std::int64_t>(text)
                                            : parse_as<std::uint64_t>(text);
}

bool less(const Number& left, const Number& right) {
  return std::visit([](auto a, auto b) { return std::cmp_less(a, b); }, left, right);
}

std::string to_string(const Number& number) {
  return std::visit([](auto value) { return fmt::to_string(value); }, number);
}

Number least(std::size_t size, bool is_signed) {
  if (!is_signed) {
    return std::uint64_t{0};
  }
  return INT64_MIN >> (64 - 8 * size);
}

Number greatest(std::size_t size, bool is_signed) {
  if (!is_signed) {
    return UINT64_MAX >> (64 - 8 * size);
  }
  return INT64_MAX >> (64 - 8 * size);
}

// Both copy the low-order bytes, which come first here.
static_assert(std::endian::native == std::endian::little);

Number load_number(std::span<const std::byte> from, bool is_signed) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, from.data(), from.size());
  if (!is_signed) {
    return bits;
  }
  const auto unused = 64 - 8 * from.size();
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

void store_number(const Number& number, std::span<std::byte> to) {
  const auto bits =
      std::visit([](auto value) { return static_cast<std::uint64_t>(value); }, number);
  std::memcpy(to.data(), &bits, to.size());
}

}  // namespace tcpopt
