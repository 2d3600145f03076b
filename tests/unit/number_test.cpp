// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/number.h"

#include <array>

#include "support.h"

namespace tcpopt {
namespace {

using S = std::int64_t;
using U = std::uint64_t;

TEST(Number, Parses) {
  EXPECT_EQ(parse_number("42", false), Number(U{42}));
  EXPECT_EQ(parse_number("-42", true), Number(S{-42}));
  EXPECT_EQ(parse_number("0x1f", false), Number(U{31}));
  EXPECT_EQ(parse_number("18446744073709551615", false), Number(UINT64_MAX));
  EXPECT_EQ(parse_number("-9223372036854775808", true), Number(INT64_MIN));
}

TEST(Number, RefusesWhatIsNone) {
  for (const auto* text : {"", "x", "1x", " 1", "1 ", "0x", "0x-1", "--1", "1.5", "+1", "-"}) {
    EXPECT_THAT(error_of(parse_number(text, false)), testing::HasSubstr("is not a number")) << text;
    EXPECT_THAT(error_of(parse_number(text, true)), testing::HasSubstr("is not a number")) << text;
  }
}

TEST(Number, RefusesMoreThan64Bits) {
  EXPECT_THAT(error_of(parse_number("18446744073709551616", false)),
              testing::HasSubstr("does not fit into 64 bits"));
  EXPECT_THAT(error_of(parse_number("9223372036854775808", true)),
              testing::HasSubstr("does not fit into 64 bits"));
}

TEST(Number, NegativeTextForAnUnsignedIsANumberBelowZero) {
  const auto number = parse_number("-1", false);
  ASSERT_TRUE(number);
  EXPECT_TRUE(less(*number, least(4, false)));
}

TEST(Number, ComparesAcrossSignedness) {
  EXPECT_TRUE(less(S{-1}, U{0}));
  EXPECT_FALSE(less(U{0}, S{-1}));
  EXPECT_TRUE(less(S{INT64_MAX}, U{UINT64_MAX}));
}

TEST(Number, LimitsOfEachSize) {
  EXPECT_EQ(to_string(least(1, true)), "-128");
  EXPECT_EQ(to_string(greatest(1, true)), "127");
  EXPECT_EQ(to_string(greatest(2, false)), "65535");
  EXPECT_EQ(to_string(greatest(8, false)), "18446744073709551615");
  EXPECT_EQ(to_string(least(8, true)), "-9223372036854775808");
}

TEST(Number, GoesThroughMemory) {
  for (const std::size_t size : {1U, 2U, 4U, 8U}) {
    std::array<std::byte, 8> bytes{};
    const auto part = std::span(bytes).first(size);
    store_number(S{-3}, part);
    EXPECT_EQ(load_number(part, true), Number(S{-3}));
    store_number(greatest(size, false), part);
    EXPECT_EQ(load_number(part, false), greatest(size, false));
  }
}

}  // namespace
}  // namespace tcpopt
