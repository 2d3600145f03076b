// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/lists.h"

#include <string>
#include <vector>

#include "params/algorithms.h"
#include "params/interface_pattern.h"
#include "params/prefix.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

std::string canonical(std::string_view text) {
  const auto prefix = parse_prefix(text);
  return prefix ? to_string(*prefix) : error_of(prefix);
}

TEST(Prefix, BothFamiliesAndWholeAddresses) {
  EXPECT_EQ(canonical("10.0.0.0/8"), "10.0.0.0/8");
  EXPECT_EQ(canonical("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(canonical("192.0.2.1"), "192.0.2.1/32");
  EXPECT_EQ(canonical("2001:DB8:0:0::/32"), "2001:db8::/32");
  EXPECT_EQ(canonical("::1"), "::1/128");
  EXPECT_EQ(canonical("::/0"), "::/0");
  EXPECT_EQ(canonical("::ffff:10.0.0.0/104"), "10.0.0.0/8");
  EXPECT_EQ(canonical("::ffff:0:0/96"), "0.0.0.0/0");
}

TEST(Prefix, BytesAsTheMapHasThem) {
  const auto prefix = parse_prefix("198.51.100.128/25");
  ASSERT_TRUE(prefix) << error_of(prefix);
  EXPECT_EQ(prefix->bits, 121U);
  EXPECT_THAT(prefix->addr,
              testing::ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 128));
}

TEST(Prefix, BitsBehindTheLengthAreNamedWithTheCure) {
  EXPECT_EQ(canonical("10.1.2.3/8"),
            "10.1.2.3/8 has bits set behind its length; write 10.0.0.0/8, or the address alone for "
            "just that one");
  EXPECT_THAT(canonical("198.51.100.129/25"), HasSubstr("write 198.51.100.128/25"));
  EXPECT_THAT(canonical("2001:db8::1/127"), HasSubstr("write 2001:db8::/127"));
  EXPECT_THAT(canonical("1.0.0.0/0"), HasSubstr("write 0.0.0.0/0"));
}

TEST(Prefix, RefusesWhatIsNone) {
  for (const auto* text : {"", "x", "10.0.0/8", "10.0.0.0.0", "fe80::1%lo", " ::1", "/8"}) {
    EXPECT_THAT(canonical(text), HasSubstr("is not a prefix; write ADDRESS/BITS")) << text;
  }
  for (const auto* text :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/8 "}) {
    EXPECT_THAT(canonical(text), HasSubstr("0..32 bits")) << text;
  }
  EXPECT_THAT(canonical("::/129"), HasSubstr("0..128 bits"));
}

class Lists : public testing::Test {
 protected:
  [[nodiscard]] std::string parse(const MapParam& param, std::string_view text) const {
    const auto entries = parse_list(param, text, offered_);
    return entries ? to_json(param, *entries).dump() : error_of(entries);
  }
  [[nodiscard]] std::string prefixes(std::string_view text) const { return parse(prefixes_, text); }
  [[nodiscard]] std::string algorithms(std::string_view text) const {
    return parse(algorithms_, text);
  }

  [[nodiscard]] std::string interfaces(std::string_view text) const {
    return parse(interfaces_, text);
  }

  MapParam prefixes_{"prefixes", "prefixes", MapKind::Prefixes, 3, "help", {}};
  MapParam algorithms_{"allow", "algorithms", MapKind::Algorithms, 64, "help", {}};
  MapParam schedulers_{"allow", "schedulers", MapKind::Schedulers, 2, "help", {}};
  MapParam interfaces_{"except", "except", MapKind::Interfaces, 3, "help", {}};
  MapParam kinds_{"include", "include", MapKind::AddressKinds, 8, "help", {}};
  Offered offered_{{AlgorithmKind::CongestionControl, {"reno", "cubic", "homemade"}},
                   {AlgorithmKind::Scheduler, {"default", "redundant", "homemade"}}};
};

TEST_F(Lists, OfPrefixesComeBackInOrder) {
  EXPECT_EQ(prefixes(""), "[]");
  EXPECT_EQ(prefixes("2001:db8::/32,10.0.0.0/8,10.0.0.0/16"),
            R"(["10.0.0.0/8","10.0.0.0/16","2001:db8::/32"])");
}

TEST_F(Lists, RefuseEmptyElementsAndRepetitions) {
  for (const auto* text : {",", "::1,", ",::1", "::1,,::2"}) {
    EXPECT_THAT(prefixes(text), HasSubstr("an element of the list is empty")) << text;
  }
  EXPECT_EQ(prefixes("::1,::1/128"), "::1/128 is given twice; give each once");
  EXPECT_EQ(algorithms("reno,reno"), "reno is given twice; give each once");
}

TEST_F(Lists, OfPrefixesThatTheMapCannotHold) {
  EXPECT_EQ(prefixes("::1,::2,::3"), R"(["::1/128","::2/128","::3/128"])");
  EXPECT_EQ(prefixes("::1,::2,::3,::4"), "these are 4 prefixes; give at most 3");
}

TEST_F(Lists, AllOfIpv6IncludesIpv4OnlyWhereItIsSaid) {
  for (const auto* text : {"::/0", "::/1", "::/80", "::fffe:0:0/95"}) {
    EXPECT_THAT(prefixes(text), HasSubstr("would hold every IPv4 address, too; write 2000::/3"))
        << text;
  }
  EXPECT_EQ(prefixes("::/0,0.0.0.0/0"), R"(["::/0","0.0.0.0/0"])");
  EXPECT_EQ(prefixes("2000::/3,8000::/1"), R"(["2000::/3","8000::/1"])");
}

TEST_F(Lists, OfAlgorithmsHaveAnEntryForEachThatIsOfferedAndHasAnId) {
  EXPECT_EQ(algorithms(""), "[]");
  EXPECT_EQ(algorithms("cubic,reno"), R"(["reno","cubic"])");
  const auto entries = parse_list(algorithms_, "cubic", offered_);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2U);
  const auto id = static_cast<std::byte>(
      tcpopt::algorithms(AlgorithmKind::CongestionControl).find("cubic")->id);
  const auto& value = entries->at({id, std::byte{0}, std::byte{0}, std::byte{0}});
  EXPECT_EQ(value[0], std::byte{'c'});
  EXPECT_EQ(value[16], std::byte{1});
}

TEST_F(Lists, OfAlgorithmsNameWhatThereIs) {
  EXPECT_EQ(algorithms("swift"),
            "this kernel offers no congestion control 'swift'; use cubic, reno");
  EXPECT_EQ(algorithms("cubic,bbr"),
            "this kernel offers no congestion control 'bbr'; use cubic, reno, or load its module "
            "(modprobe tcp_bbr)");
  EXPECT_EQ(algorithms("homemade"), "congestion control 'homemade' has no id; use cubic, reno");
}

TEST_F(Lists, OfSchedulersKnowTheirOwnNamesOnly) {
  EXPECT_EQ(parse(schedulers_, ""), "[]");
  EXPECT_EQ(parse(schedulers_, "redundant,default"), R"(["default","redundant"])");
  EXPECT_EQ(parse(schedulers_, "reno"),
            "this kernel offers no packet scheduler 'reno'; use default, redundant");
  EXPECT_EQ(
      parse(schedulers_, "roundrobin"),
      "this kernel offers no packet scheduler 'roundrobin'; use default, redundant, or boot a "
      "kernel with kernel-patches/6.12 and CONFIG_MPTCP_SCHED_EXTRA=y");
  EXPECT_EQ(parse(schedulers_, "homemade"),
            "packet scheduler 'homemade' has no id; use default, redundant");
  const auto entries = parse_list(schedulers_, "redundant", offered_);
  ASSERT_TRUE(entries) << error_of(entries);
  ASSERT_EQ(entries->size(), 2U);
  const auto& value = entries->at({std::byte{3}, std::byte{0}, std::byte{0}, std::byte{0}});
  EXPECT_EQ(value[0], std::byte{'r'});
  EXPECT_EQ(value[16], std::byte{1});
}

TEST_F(Lists, OfAlgorithmsThatTheMapCannotHold) {
  offered_[AlgorithmKind::Scheduler] = {"default", "redundant", "roundrobin"};
  EXPECT_EQ(parse(schedulers_, ""), "these are 3 packet schedulers; give at most 2");
}

TEST_F(Lists, OfInterfacesAreNamesAndPatterns) {
  EXPECT_EQ(interfaces(""), "[]");
  EXPECT_EQ(interfaces("wlan?,eth[0-3],*"), R"(["*","eth[0-3]","wlan?"])");
  EXPECT_EQ(interfaces("a[]-]b,[!]a],[[:digit:]]*"), R"(["[!]a]","[[:digit:]]*","a[]-]b"])");
  const auto entries = parse_list(interfaces_, "eth0", {});
  ASSERT_TRUE(entries) << error_of(entries);
  const auto& [key, value] = *entries->begin();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(key.data()), key.size()),
            std::string("eth0") + std::string(12, '\0'));
  EXPECT_THAT(value, testing::ElementsAre(std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0}));
}

TEST_F(Lists, OfInterfacesSayWhatIsWrong) {
  EXPECT_EQ(
      interfaces("sixteen-letters!"),
      "'sixteen-letters!' has 16 bytes; a name of an interface, or a pattern, has at most 15");
  EXPECT_THAT(interfaces("fifteen-letters"), HasSubstr("fifteen-letters"));
  EXPECT_EQ(interfaces("eth0:1"),
            "'eth0:1': no interface has ':' in its name; give names as ip link shows them, or "
            "patterns as in eth* or wlan[01]");
  EXPECT_THAT(interfaces("eth0 "), HasSubstr("no interface has ' '"));
  EXPECT_THAT(interfaces("a/b"), HasSubstr("no interface has '/'"));
  for (const auto* text : {"eth[0", "[]", "[!]", "a[[:digit:]", "[a]["}) {
    EXPECT_THAT(interfaces(text), HasSubstr("bracket that is not closed; write it as in eth[0-3]"))
        << text;
  }
  EXPECT_EQ(interfaces("a,b,c,d"), "these are 4 interfaces; give at most 3");
  EXPECT_EQ(interfaces("a,b,a"), "a is given twice; give each once");
}

TEST_F(Lists, OfKindsOfAddresses) {
  EXPECT_EQ(parse(kinds_, "loopback,tentative"), R"(["tentative","loopback"])");
  EXPECT_EQ(parse(kinds_, "link-local,link-local"), "link-local is given twice; give each once");
  EXPECT_EQ(parse(kinds_, "Loopback"),
            "'Loopback' is not a kind of address; use tentative, deprecated, link-local, loopback");
  EXPECT_EQ(range_text(kinds_), "tentative,deprecated,link-local,loopback");
}

TEST(InterfacePattern, MatchesAsInTheShell) {
  EXPECT_TRUE(matches("eth*", "eth0") && matches("eth0", "eth0") && matches("?th[0-9]", "eth7"));
  EXPECT_FALSE(matches("eth", "eth0") || matches("th0", "eth0") || matches("eth[!0]", "eth0"));
  EXPECT_TRUE(matches("[[:digit:]]*", "6in4") && matches("a\\*", "a\\b"));
}

TEST_F(Lists, AndScalarsAreChangedTogetherOrNotAtAll) {
  Schema schema;
  Param number;
  number.name = "number";
  number.size = 4;
  number.min = std::uint64_t{0};
  number.max = std::uint64_t{9};
  schema.size = 8;
  schema.params = {number};
  schema.generation_offset = 4;
  schema.maps = {prefixes_, algorithms_};
  auto values = initial_values(schema, {{"number", "3"}, {"allow", "reno"}}, offered_);
  ASSERT_TRUE(values) << error_of(values);
  EXPECT_EQ(
      to_json(schema, *values),
      (nlohmann::json{{"number", 3}, {"prefixes", nlohmann::json::array()}, {"allow", {"reno"}}}));
  schema.maps[0].default_text = "::2";
  const auto with_default = initial_values(schema, {}, offered_);
  ASSERT_TRUE(with_default) << error_of(with_default);
  EXPECT_EQ(to_json(schema, *with_default)["prefixes"], (nlohmann::json{"::2/128"}));
  EXPECT_EQ(initial_values(schema, {{"prefixes", ""}}, offered_)->lists.at("prefixes").size(), 0U);
  const auto changed = change_values(schema, *values, {{"prefixes", "::1"}}, {});
  ASSERT_TRUE(changed) << error_of(changed);
  EXPECT_EQ(to_json(schema, *changed),
            (nlohmann::json{{"number", 3}, {"prefixes", {"::1/128"}}, {"allow", {"reno"}}}));
  EXPECT_EQ(changed->scalars[4], std::byte{1});
  EXPECT_THAT(error_of(change_values(schema, *values, {{"prefixes", "x"}}, offered_)),
              HasSubstr("prefixes: 'x' is not a prefix"));
  EXPECT_EQ(error_of(change_values(schema, *values, {{"nope", "x"}}, offered_)),
            "no parameter 'nope'; it has number, prefixes, allow");
}

class EachAlgorithm : public testing::TestWithParam<AlgorithmKind> {};

TEST_P(EachAlgorithm, HasAnIdOfItsOwn) {
  const auto& of = algorithms(GetParam());
  std::map<std::uint32_t, std::string_view> names;
  for (const auto& one : of.known) {
    EXPECT_TRUE(names.emplace(one.id, one.name).second) << one.name;
    EXPECT_EQ(of.find(one.name)->id, one.id);
  }
  EXPECT_EQ(of.find("none"), nullptr);
  EXPECT_EQ(find_algorithms(of.type), &of);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EachAlgorithm,
                         testing::Values(AlgorithmKind::CongestionControl,
                                         AlgorithmKind::Scheduler));

}  // namespace
}  // namespace tcpopt
