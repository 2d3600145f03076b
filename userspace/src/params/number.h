// SPDX-License-Identifier: GPL-2.0-or-later
// Integers of up to 64 bits whose signedness is known at run time only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace tcpopt {

using Number = std::variant<std::int64_t, std::uint64_t>;

/// Decimal, or hexadecimal behind "0x"; the whole text must be the number.
/// Errors: not a number; does not fit into 64 bits.
[[nodiscard]] Result<Number> parse_number(std::string_view text, bool is_signed);

/// Compares by value, whatever the two signednesses.
[[nodiscard]] bool less(const Number& left, const Number& right);
[[nodiscard]] std::string to_string(const Number& number);

/// Least and greatest value of an integer of @p size bytes (1, 2, 4 or 8).
[[nodiscard]] Number least(std::size_t size, bool is_signed);
[[nodiscard]] Number greatest(std::size_t size, bool is_signed);

/// To and from memory in the byte order of this machine; the size of the span
/// is the size of the integer.
[[nodiscard]] Number load_number(std::span<const std::byte> from, bool is_signed);
void store_number(const Number& number, std::span<std::byte> to);

}  // namespace tcpopt
