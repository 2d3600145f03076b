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

std::string verdict_on(const std::vector<Feature>& features,
                       const std::vector<Description>& programs) {
  const auto rows = find_out(features, programs);
  return error_of(verdict(rows, judge(rows, programs)));
}

TEST(Check, OneLineAFeatureAndOneAProgram) {
  const std::vector<Feature> features{feature("here", Support::Yes), feature("gone", Support::No)};
  std::vector programs{program("uto", {"gone"}), program("iw", {"here"}, {"gone"}),
                       program("cc", {"here"})};
  programs[1].has_iterator = true;
  const auto rows = find_out(features, programs);
  const auto judged = judge(rows, programs);
  EXPECT_EQ(
      check_text(rows, judged),
      "yes     here                what it is\n"
      "no      gone                what it is; CONFIG_X=y brings it (needed by uto)\n"
      "not     uto                 this kernel lacks gone (what it is); CONFIG_X=y brings it\n"
      "runs    iw                  set is for new connections: this kernel lacks gone (what "
      "it is); CONFIG_X=y brings it\n"
      "runs    cc                  set is for new connections: it has nothing that reaches "
      "them\n");
  const auto json = check_json(rows, judged);
  EXPECT_EQ(json["features"][0]["available"], true);
  EXPECT_EQ(json["features"][1]["available"], false);
  EXPECT_EQ(json["features"][1]["support"], "no");
  EXPECT_EQ(json["features"][1]["needed_by"], nlohmann::json::array({"uto"}));
  EXPECT_EQ(json["features"][1]["wanted_by"], nlohmann::json::array({"iw"}));
  EXPECT_EQ(json["programs"][0]["runs"], false);
  EXPECT_EQ(json["programs"][1]["runs"], true);
  EXPECT_EQ(json["programs"][1]["reaches_live"], false);
}

TEST(Check, AProgramThatRunsIsEnough) {
  const std::vector<Feature> features{feature("here", Support::Yes), feature("gone", Support::No)};
  EXPECT_EQ(verdict_on(features, {}), "");
  EXPECT_EQ(verdict_on(features, {program("uto", {"here"}), program("pm", {"gone"})}), "");
  EXPECT_EQ(verdict_on(features, {program("pm", {"gone"})}),
            "none of the programs runs on this kernel; see above what they lack");
}

TEST(Check, TheLoaderItselfNeedsSome) {
  EXPECT_THAT(verdict_on({feature("cgroup-link", Support::No)}, {}),
              HasSubstr("tcpopt-loader cannot run"));
}

TEST(Check, AMissingPrivilegeIsNoMissingFeature) {
  EXPECT_THAT(verdict_on({feature("a", Support::Denied), feature("b", Support::No)},
                         {program("uto", {"b"})}),
              HasSubstr("not permitted"));
}

TEST(Check, WhatIsThereIsAskedForOnce) {
  int asked = 0;
  const std::vector<Feature> features{
      {"a", "what", "CONFIG_X=y", [&asked] {
         return Finding{++asked > 1 ? Support::Yes : Support::No, ""};
       }}};
  const auto remembering = that_remember(features);
  for (int i = 0; i < 5; ++i) {
    std::ignore = check_required(remembering, {"a"});
  }
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace tcpopt
