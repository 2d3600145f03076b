// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/value.h"

#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

/// One parameter of each kind, one after the other.
Schema all_kinds() {
  Param timeout;
  timeout.name = "timeout";
  timeout.offset = 0;
  timeout.size = 4;
  timeout.min = std::uint64_t{1};
  timeout.max = std::uint64_t{300};
  timeout.unit = "s";
  timeout.default_text = "30";
  Param enabled;
  enabled.name = "enabled";
  enabled.kind = Kind::Bool;
  enabled.offset = 4;
  enabled.size = 1;
  Param color;
  color.name = "color";
  color.kind = Kind::Enum;
  color.offset = 8;
  color.size = 4;
  color.choices = {{"RED", std::uint64_t{0}}, {"BLUE", std::uint64_t{7}}};
  Param label;
  label.name = "label";
  label.kind = Kind::Text;
  label.offset = 12;
  label.size = 8;
  return {24, {timeout, enabled, color, label}, 20, {}, {}};
}

nlohmann::json changed(const Settings& settings) {
  const auto schema = all_kinds();
  const auto value = initial_value(schema, settings);
  return value ? to_json(schema, *value) : nlohmann::json(error_of(value));
}

TEST(Value, StartsWithDefaultsThenSettings) {
  EXPECT_EQ(changed({}),
            (nlohmann::json{{"timeout", 30}, {"enabled", false}, {"color", "RED"}, {"label", ""}}));
  EXPECT_EQ(
      changed({{"timeout", "7"}, {"enabled", "yes"}, {"color", "BLUE"}, {"label", "abc"}}),
      (nlohmann::json{{"timeout", 7}, {"enabled", true}, {"color", "BLUE"}, {"label", "abc"}}));
}

TEST(Value, EveryWordForOnAndOff) {
  for (const auto* word : {"on", "yes", "true", "1"}) {
    EXPECT_EQ(changed({{"enabled", word}})["enabled"], true) << word;
  }
  for (const auto* word : {"off", "no", "false", "0"}) {
    EXPECT_EQ(changed({{"enabled", word}})["enabled"], false) << word;
  }
}

TEST(Value, ErrorsSayWhatWouldBeRight) {
  EXPECT_EQ(changed({{"timeout", "301"}}), "timeout: 301 is out of range; use 1..300 s");
  EXPECT_EQ(changed({{"timeout", "0"}}), "timeout: 0 is out of range; use 1..300 s");
  EXPECT_EQ(changed({{"timeout", "-1"}}), "timeout: -1 is out of range; use 1..300 s");
  EXPECT_EQ(changed({{"timeout", "soon"}}), "timeout: 'soon' is not a number; use 1..300 s");
  EXPECT_EQ(changed({{"enabled", "maybe"}}), "enabled: 'maybe' is neither on nor off; use on|off");
  EXPECT_EQ(changed({{"color", "7"}}), "color: '7' is not one of its values; use RED|BLUE");
  EXPECT_EQ(changed({{"label", "12345678"}}), "label: the text has 8 bytes; use at most 7 bytes");
  EXPECT_EQ(changed({{"label", std::string("a\0b", 3)}}),
            "label: the text has 3 bytes; use at most 7 bytes");
  EXPECT_EQ(changed({{"nope", "1"}}), "no parameter 'nope'; it has timeout, enabled, color, label");
}

TEST(Value, AProgramWithoutParametersSaysSo) {
  EXPECT_EQ(error_of(initial_value(Schema{}, {{"x", "1"}})), "no parameter 'x'; it has none");
  EXPECT_TRUE(initial_value(Schema{}, {}));
}

TEST(Value, WithoutDefaultZeroMustBeInRange) {
  auto schema = all_kinds();
  schema.params[0].default_text.reset();
  EXPECT_EQ(error_of(initial_value(schema, {})),
            "timeout has no default; give --set timeout=VALUE, 1..300 s");
  EXPECT_TRUE(initial_value(schema, {{"timeout", "1"}}));
}

TEST(Value, AShorterTextLeavesNothingOfTheLonger) {
  const auto schema = all_kinds();
  auto value = initial_value(schema, {{"label", "longest"}});
  ASSERT_TRUE(value);
  value = change(schema, *value, {{"label", "s"}});
  ASSERT_TRUE(value);
  for (std::size_t i = 13; i < 20; ++i) {
    EXPECT_EQ((*value)[i], std::byte{0});
  }
}

TEST(Value, ChangeKeepsWhatItIsNotTold) {
  const auto schema = all_kinds();
  const auto old = initial_value(schema, {{"timeout", "7"}, {"label", "abc"}});
  const auto value = change(schema, *old, {{"enabled", "on"}});
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json(schema, *value)["timeout"], 7);
  EXPECT_EQ(to_json(schema, *value)["label"], "abc");
}

TEST(Value, ChangeRefusesAMapOfAnotherSize) {
  EXPECT_THAT(error_of(change(all_kinds(), Bytes(23), {})), HasSubstr("holds 23 bytes"));
}

TEST(Value, GenerationCountsAndWraps) {
  const auto schema = all_kinds();
  Bytes value(24);
  next_generation(schema, value);
  next_generation(schema, value);
  EXPECT_EQ(value[20], std::byte{2});
  for (std::size_t i = 20; i < 24; ++i) {
    value[i] = std::byte{0xff};
  }
  next_generation(schema, value);
  EXPECT_EQ(value, Bytes(24));
  auto without = schema;
  without.generation_offset.reset();
  next_generation(without, value);
  EXPECT_EQ(value, Bytes(24));
}

TEST(Value, AnUnnamedEnumValueShowsAsNumber) {
  const auto schema = all_kinds();
  Bytes value(24);
  value[8] = std::byte{9};
  EXPECT_EQ(to_json(schema, value)["color"], 9);
}

TEST(Value, ATextThatFillsItsArrayIsNotReadBeyond) {
  const auto schema = all_kinds();
  const Bytes value(24, std::byte{'x'});
  EXPECT_EQ(to_json(schema, value)["label"], "xxxxxxxx");
}

TEST(Settings, Parse) {
  const auto settings = parse_settings({"a=1", "b=", "c=x=y"});
  ASSERT_TRUE(settings);
  EXPECT_EQ(*settings, (Settings{{"a", "1"}, {"b", ""}, {"c", "x=y"}}));
}

TEST(Settings, Refuse) {
  EXPECT_EQ(error_of(parse_settings({"a"})), "'a' is not a setting; write key=value");
  EXPECT_EQ(error_of(parse_settings({"=1"})), "'=1' is not a setting; write key=value");
  EXPECT_EQ(error_of(parse_settings({"a=1", "a=2"})), "a is given twice; give each key once");
}

/// `low` and `high`, 0..100 each, of which the first is not above the second.
Schema ruled(bool unless_zero) {
  Param low;
  low.name = "low";
  low.size = 4;
  low.min = std::uint64_t{0};
  low.max = std::uint64_t{100};
  low.default_text = "10";
  Param high = low;
  high.name = "high";
  high.offset = 4;
  high.unit = "hex";
  high.default_text = "20";
  return {8, {low, high}, std::nullopt, {}, {{"low", "high", unless_zero}}};
}

TEST(Value, RulesAcrossParameters) {
  EXPECT_TRUE(initial_value(ruled(false), {{"low", "20"}}));
  EXPECT_EQ(error_of(initial_value(ruled(false), {{"low", "21"}})),
            "low=21 is above high=0x14; give both so that low is at most high");
  EXPECT_TRUE(initial_value(ruled(false), {{"low", "21"}, {"high", "21"}}));
  EXPECT_THAT(error_of(initial_value(ruled(false), {{"high", "0"}})),
              HasSubstr("is above high=0x0"));
  EXPECT_TRUE(initial_value(ruled(true), {{"high", "0"}}));
  const auto start = initial_value(ruled(true), {});
  ASSERT_TRUE(start);
  EXPECT_THAT(error_of(change(ruled(true), *start, {{"high", "9"}})), HasSubstr("or high 0"));
}

TEST(Value, IdentifiersAreShownAsTheyAreWritten) {
  const auto schema = ruled(false);
  EXPECT_EQ(range_text(schema.params[1]), "0x0..0x64");
  const auto value = initial_value(schema, {{"high", "0x1f"}});
  ASSERT_TRUE(value) << error_of(value);
  EXPECT_EQ(shown_json(schema, *value), (nlohmann::json{{"high", "0x1f"}}));
  EXPECT_EQ(to_json(schema, *value)["high"], 31);
}

}  // namespace
}  // namespace tcpopt
