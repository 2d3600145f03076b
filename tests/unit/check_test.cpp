// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/check.h"

#include <set>

#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

Feature feature(std::string_view name, Support support) {
  return {name, "what it is", "CONFIG_X=y", [support] { return Finding{support, "detail"}; }};
}

Description program(std::string name, std::vector<std::string> required,
                    std::vector<std::string> wanted = {}) {
  Description description;
  description.name = std::move(name);
  description.required = std::move(required);
  description.required_by_iterator = std::move(wanted);
  return description;
}

TEST(FeatureTable, EntriesAreCompleteAndDistinct) {
  std::set<std::string_view> names;
  for (const auto& entry : all_features()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.what.empty()) << entry.name;
    EXPECT_FALSE(entry.brought_by.empty()) << entry.name;
    EXPECT_TRUE(entry.ask) << entry.name;
  }
  EXPECT_THAT(names,
              testing::IsSupersetOf({"sockops", "cgroup-link", "btf", "tcp-header-options",
                                     "sk-storage", "tcp-iter", "iter-setsockopt", "tcp-options",
                                     "tcp-option-calls", "tcp-delayed-ack", "mptcp-path-manager",
                                     "mptcp-options", "mptcp-scheduler", "mptcp-idle-timeout"}));
}

TEST(FeatureTable, SaysWhatBringsOurPatches) {
  const auto* ours = find_feature(all_features(), "tcp-options");
  ASSERT_NE(ours, nullptr);
  EXPECT_EQ(ours->brought_by, "kernel-patches/6.12 with CONFIG_BPF_TCP_OPTIONS=y");
  const auto* paths = find_feature(all_features(), "mptcp-path-manager");
  ASSERT_NE(paths, nullptr);
  EXPECT_EQ(paths->brought_by, "kernel-patches/6.12 with CONFIG_MPTCP_BPF_PM=y");
  EXPECT_EQ(find_feature(all_features(), "nonsense"), nullptr);
}

TEST(Required, NamesTheFeatureAndWhatBringsIt) {
  const std::vector<Feature> features{feature("a", Support::Yes), feature("b", Support::No),
                                      feature("c", Support::Denied)};
  EXPECT_EQ(error_of(check_required(features, {"a"})), "");
  EXPECT_EQ(error_of(check_required(features, {"a", "b"})),
            "this kernel lacks b (what it is); CONFIG_X=y brings it");
  EXPECT_EQ(error_of(check_required(features, {"c"})),
            "not permitted to load BPF programs; run as root");
  EXPECT_THAT(error_of(check_required(features, {"z"})),
              HasSubstr("it requires 'z', which this tcpopt does not know"));
}

TEST(Required, OneOfTheAlternativesIsEnough) {
  const std::vector<Feature> features{feature("a", Support::Yes), feature("b", Support::No),
                                      feature("c", Support::No)};
  EXPECT_EQ(error_of(check_required(features, {"b|a"})), "");
  EXPECT_EQ(error_of(check_required(features, {"z|a"})), "");
  EXPECT_EQ(error_of(check_required(features, {"b|c"})),
            "this kernel lacks b (what it is) and c (what it is); CONFIG_X=y brings b, or "
            "CONFIG_X=y brings c");
  EXPECT_EQ(error_of(check_required(features, {"z|b"})),
            "this kernel lacks b (what it is); CONFIG_X=y brings it");
}

TEST(Required, BySettingsOtherThanTheDefaultOnly) {
  const std::vector<Feature> features{feature("here", Support::Yes), feature("gone", Support::No),
                                      feature("hidden", Support::Denied)};
  Schema schema;
  Param param;
  param.size = 4;
  param.min = std::uint64_t{0};
  param.max = std::uint64_t{9};
  for (const auto* name : {"gone", "here", "hidden", "unknown", ""}) {
    param.name = *name == '\0' ? "free" : name;
    param.required = name;
    param.default_text = "2";
    schema.params.push_back(param);
  }
  EXPECT_EQ(
      error_of(check_settings(features, schema, {{"gone", "2"}, {"here", "3"}, {"free", "3"}})),
      "");
  EXPECT_EQ(error_of(check_settings(features, schema, {{"gone", "3"}})),
            "gone= needs gone, which this kernel lacks; CONFIG_X=y brings it");
  EXPECT_THAT(error_of(check_settings(features, schema, {{"hidden", "3"}})),
              HasSubstr("run as root"));
  EXPECT_THAT(error_of(check_settings(features, schema, {{"unknown", "3"}})),
              HasSubstr("does not know"));
  schema.params[0].default_text.reset();
  EXPECT_EQ(error_of(check_settings(features, schema, {{"gone", "0"}})), "");
}

TEST(Check, AlternativesAreNeededTogetherOnly) {
  const std::vector<Feature> features{feature("here", Support::Yes), feature("gone", Support::No),
                                      feature("lost", Support::No)};
  const auto rows =
      find_out(features, {program("one", {"here|gone"}), program("two", {"gone|lost"})});
  EXPECT_THAT(rows[1].wanted_by, testing::ElementsAre("one"));
  EXPECT_THAT(rows[1].needed_by, testing::ElementsAre("two"));
  EXPECT_THAT(rows[2].needed_by, testing::ElementsAre("two"));
}

TEST(Check, WhatAParameterNeedsIsUsed) {
  const std::vector<Feature> features{feature("gone", Support::No)};
  auto delack = program("delack", {});
  Param param;
  param.required = "gone";
  delack.interface.schema.params.push_back(param);
  EXPECT_THAT(find_out(features, {delack})[0].wanted_by, testing::ElementsAre("delack"));
}

TEST(Check, OneLineAFeature) {
  const std::vector<Feature> features{feature("here", Support::Yes), feature("gone", Support::No)};
  const auto rows = find_out(features, {program("uto", {"gone"}), program("iw", {}, {"gone"})});
  EXPECT_EQ(check_text(rows),
            "yes     here                what it is\n"
            "no      gone                what it is; CONFIG_X=y brings it (needed by uto)\n");
  const auto json = check_json(rows);
  EXPECT_EQ(json[0]["available"], true);
  EXPECT_EQ(json[1]["available"], false);
  EXPECT_EQ(json[1]["support"], "no");
  EXPECT_EQ(json[1]["needed_by"], nlohmann::json::array({"uto"}));
  EXPECT_EQ(json[1]["wanted_by"], nlohmann::json::array({"iw"}));
}

TEST(Check, OnlyWhatIsNeededCounts) {
  const std::vector<Feature> features{feature("gone", Support::No)};
  EXPECT_TRUE(verdict(find_out(features, {})));
  EXPECT_TRUE(verdict(find_out(features, {program("iw", {}, {"gone"})})));
  EXPECT_EQ(error_of(verdict(find_out(features, {program("uto", {"gone"})}))),
            "this kernel lacks gone, without which uto cannot run; see above what brings it");
}

TEST(Check, TheLoaderItselfNeedsSome) {
  const std::vector<Feature> features{feature("cgroup-link", Support::No)};
  EXPECT_THAT(error_of(verdict(find_out(features, {}))), HasSubstr("tcpopt-loader cannot run"));
}

TEST(Check, AMissingPrivilegeIsNoMissingFeature) {
  const std::vector<Feature> features{feature("a", Support::Denied), feature("b", Support::No)};
  EXPECT_THAT(error_of(verdict(find_out(features, {program("uto", {"b"})}))),
              HasSubstr("not permitted"));
}

}  // namespace
}  // namespace tcpopt
