// SPDX-License-Identifier: GPL-2.0-or-later
// Schemas from BTF made by hand; object_test.cpp has one from clang.
#include "params/schema.h"

#include <string>
#include <utility>
#include <vector>

#include "bpf/handles.h"
#include "params/value.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

class SchemaTest : public testing::Test {
 protected:
  using Tags = std::vector<std::string>;

  [[nodiscard]] int integer(int size, int encoding = 0) const {
    return btf__add_int(types_.get(), "int", static_cast<std::size_t>(size), encoding);
  }

  /// A struct whose one member x has type @p type.
  void one_member(int type, const Tags& tags, int bit_size = 0) {
    struct_ = btf__add_struct(types_.get(), "params", 64);
    EXPECT_EQ(btf__add_field(types_.get(), "x", type, 0, static_cast<unsigned>(bit_size)), 0);
    for (const auto& tag : tags) {
      EXPECT_GT(btf__add_decl_tag(types_.get(), tag.c_str(), struct_, 0), 0);
    }
  }

  [[nodiscard]] Result<Schema> schema() const {
    return read_schema(*types_, static_cast<std::uint32_t>(struct_));
  }

  std::string error_with(const Tags& tags) {
    one_member(integer(4), tags);
    return error_of(schema());
  }

  BtfHandle types_{btf__new_empty()};
  int struct_ = 0;
};

TEST_F(SchemaTest, LimitsDefaultToThoseOfTheType) {
  one_member(integer(2, BTF_INT_SIGNED), {});
  const auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  ASSERT_EQ(found->params.size(), 1U);
  const auto& x = found->params[0];
  EXPECT_EQ(x.kind, Kind::Integer);
  EXPECT_TRUE(x.is_signed);
  EXPECT_EQ(to_string(x.min), "-32768");
  EXPECT_EQ(to_string(x.max), "32767");
  EXPECT_FALSE(x.default_text);
}

TEST_F(SchemaTest, ReadsTagsAndLeavesThoseOfOthersAlone) {
  one_member(integer(4), {"tcpopt:min=2", "tcpopt:max=9", "tcpopt:unit=ms", "tcpopt:help=a=b",
                          "tcpopt:default=3", "somebody:else", "tcpoptions"});
  const auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  const auto& x = found->params[0];
  EXPECT_EQ(to_string(x.min), "2");
  EXPECT_EQ(to_string(x.max), "9");
  EXPECT_EQ(x.unit, "ms");
  EXPECT_EQ(x.help, "a=b");
  EXPECT_EQ(x.default_text, "3");
}

TEST_F(SchemaTest, AnAlgorithmIsAChoiceOfNames) {
  one_member(integer(4), {"tcpopt:type=algorithm", "tcpopt:default=none"});
  const auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(found->params[0].kind, Kind::Enum);
  EXPECT_THAT(range_text(found->params[0]), HasSubstr("none|reno|cubic|"));
}

TEST_F(SchemaTest, ASchedulerIsAnother) {
  one_member(integer(4), {"tcpopt:type=scheduler", "tcpopt:default=none"});
  const auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(range_text(found->params[0]), "none|default|roundrobin|redundant");
}

TEST_F(SchemaTest, RefusesOtherTypeTags) {
  EXPECT_THAT(
      error_with({"tcpopt:type=colour"}),
      HasSubstr("x: tag 'tcpopt:type=colour' does not fit; use type=algorithm or type=scheduler "
                "on a __u32"));
  one_member(integer(2), {"tcpopt:type=algorithm"});
  EXPECT_THAT(error_of(schema()), HasSubstr("'tcpopt:type=algorithm' does not fit"));
}

TEST_F(SchemaTest, ResolvesTypedefsAndQualifiers) {
  const int named = btf__add_typedef(types_.get(), "u64", integer(8));
  one_member(btf__add_volatile(types_.get(), btf__add_const(types_.get(), named)), {});
  const auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(found->params[0].size, 8U);
}

TEST_F(SchemaTest, RefusesBadTags) {
  EXPECT_THAT(error_with({"tcpopt:mx=3"}),
              HasSubstr("x: tag 'tcpopt:mx' is not known; known here"));
  EXPECT_THAT(error_with({"tcpopt:min"}), HasSubstr("'tcpopt:min' has no '='"));
  EXPECT_THAT(error_with({"tcpopt:min=1", "tcpopt:min=2"}), HasSubstr("is given 2 times"));
  EXPECT_THAT(error_with({"tcpopt:min=many"}), HasSubstr("x: tcpopt:min: 'many' is not a number"));
  EXPECT_THAT(error_with({"tcpopt:max=4294967296"}), HasSubstr("does not fit into its 4 bytes"));
  EXPECT_THAT(error_with({"tcpopt:min=-1"}), HasSubstr("does not fit into its 4 bytes"));
  EXPECT_THAT(error_with({"tcpopt:min=5", "tcpopt:max=4"}), HasSubstr("min 5 is above its max 4"));
  EXPECT_THAT(error_with({"tcpopt:max=4", "tcpopt:default=5"}),
              HasSubstr("x: tcpopt:default: 5 is out of range; use 0..4"));
}

TEST_F(SchemaTest, RefusesRangesOfWhatHasNone) {
  one_member(integer(1, BTF_INT_BOOL), {"tcpopt:max=2"});
  EXPECT_THAT(error_of(schema()), HasSubstr("tcpopt:max: a bool is 0 or 1"));
}

TEST_F(SchemaTest, ABoolCanBeAParameter) {
  // What TCPOPT_PARAM makes of it.
  one_member(integer(1, BTF_INT_BOOL),
             {"tcpopt:unit=", "tcpopt:min=0", "tcpopt:max=1", "tcpopt:default=1"});
  const auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(found->params[0].kind, Kind::Bool);
}

TEST_F(SchemaTest, RefusesBitfields) {
  one_member(integer(4), {}, 3);
  EXPECT_THAT(error_of(schema()), HasSubstr("x: it is a bitfield"));
}

TEST_F(SchemaTest, RefusesTypesThatNobodyCanType) {
  const int number = integer(4);
  const std::vector<int> bad{
      btf__add_ptr(types_.get(), number),
      btf__add_array(types_.get(), number, number, 4),
      btf__add_float(types_.get(), "double", 8),
      integer(16),
  };
  for (const int type : bad) {
    one_member(type, {});
    EXPECT_THAT(error_of(schema()), HasSubstr("x: its type cannot be a parameter"));
  }
}

TEST_F(SchemaTest, ByteArraysAreNoTexts) {
  const int byte = btf__add_int(types_.get(), "unsigned char", 1, 0);
  one_member(btf__add_array(types_.get(), byte, byte, 4), {});
  EXPECT_THAT(error_of(schema()), HasSubstr("cannot be a parameter"));
}

TEST_F(SchemaTest, EnumsKeepTheirSign) {
  const int with_negative = btf__add_enum64(types_.get(), "e", 8, true);
  EXPECT_EQ(btf__add_enum64_value(types_.get(), "BELOW", static_cast<__u64>(-7)), 0);
  one_member(with_negative, {"tcpopt:default=BELOW"});
  auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(to_string(found->params[0].choices[0].second), "-7");

  const int large = btf__add_enum(types_.get(), "f", 4);
  EXPECT_EQ(btf__add_enum_value(types_.get(), "TOP", 0xffffffffLL), 0);
  one_member(large, {});
  found = schema();
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(to_string(found->params[0].choices[0].second), "4294967295");
}

TEST_F(SchemaTest, OwnMembersOfTheProgramAreLeftOut) {
  const int number = integer(4);
  const int pointer = btf__add_ptr(types_.get(), number);
  struct_ = btf__add_struct(types_.get(), "params", 24);
  btf__add_field(types_.get(), "_pointer", pointer, 0, 0);
  btf__add_field(types_.get(), "_generation", number, 64, 0);
  btf__add_field(types_.get(), "y", number, 96, 0);
  const auto found = schema();
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(found->names(), "y");
  EXPECT_EQ(found->params[0].offset, 12U);
  EXPECT_EQ(found->generation_offset, 8U);
}

TEST_F(SchemaTest, RefusesAGenerationOfAnotherSize) {
  const int wide = integer(8);
  struct_ = btf__add_struct(types_.get(), "params", 8);
  btf__add_field(types_.get(), "_generation", wide, 0, 0);
  EXPECT_THAT(error_of(schema()), HasSubstr("_generation: it is not a 32-bit integer"));
}

TEST_F(SchemaTest, TheValueMustBeAStruct) {
  struct_ = integer(4);
  EXPECT_THAT(error_of(schema()), HasSubstr("is not a struct"));
}

TEST_F(SchemaTest, CountersAre64Bits) {
  one_member(integer(8), {});
  auto counters = read_counters(*types_, static_cast<std::uint32_t>(struct_));
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->at(0).name, "x");
  EXPECT_EQ(counters->at(0).help, "");
  one_member(integer(8), {"tcpopt:help=what it counts"});
  counters = read_counters(*types_, static_cast<std::uint32_t>(struct_));
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->at(0).help, "what it counts");
  one_member(integer(8), {"tcpopt:hlep=x"});
  EXPECT_THAT(error_of(read_counters(*types_, static_cast<std::uint32_t>(struct_))),
              HasSubstr("x: "));
  one_member(integer(4), {});
  counters = read_counters(*types_, static_cast<std::uint32_t>(struct_));
  EXPECT_THAT(error_of(counters), HasSubstr("x: a counter is a __u64"));
}

}  // namespace
}  // namespace tcpopt
