// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/plan.h"

#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

Wanted wanted_of(std::string_view cgroup, Settings settings, nlohmann::json params) {
  return {"uto",
          *CgroupPattern::parse(cgroup, "/cg"),
          std::string(cgroup),
          std::move(settings),
          std::move(params),
          false,
          {"p.toml", 3}};
}

nlohmann::json attachment(std::uint64_t id, std::string_view origin, const nlohmann::json& params) {
  return {{"name", "uto"},
          {"cgroup", "/cg/" + std::to_string(id)},
          {"cgroup_id", id},
          {"origin", origin},
          {"params", params}};
}

TEST(Plan, AttachesChangesAndDetaches) {
  const auto fresh = wanted_of("1", {{"a", "5"}}, {{"a", 5}, {"b", 1}});
  const auto changed = wanted_of("2", {}, {{"a", 9}, {"b", 1}, {"list", {"x", "y"}}});
  const auto same = wanted_of("3", {}, {{"a", 9}});
  const auto plan =
      make_plan({{"/cg/1", 1, &fresh}, {"/cg/2", 2, &changed}, {"/cg/3", 3, &same}},
                {attachment(2, "policy", {{"a", 7}, {"b", 1}, {"list", nlohmann::json::array()}}),
                 attachment(3, "policy", {{"a", 9}}), attachment(4, "policy", {{"a", 9}})});
  EXPECT_EQ(plan_text(plan),
            "+  uto  /cg/1  a=5\n"
            "~  uto  /cg/2  a=7 -> 9, list= -> x,y\n"
            "-  uto  /cg/4\n");
  ASSERT_THAT(plan.steps, SizeIs(3));
  EXPECT_EQ(plan.steps[0].settings, (Settings{{"a", "5"}}));
  EXPECT_EQ(plan.steps[1].settings, (Settings{{"a", "9"}, {"list", "x,y"}}));
  EXPECT_EQ(plan.steps[1].before, (Settings{{"a", "7"}, {"list", ""}}));
  EXPECT_EQ(plan.unchanged, 1U);
}

TEST(Plan, WhatWasAttachedByHandStaysAndIsShownAsSuch) {
  const auto wanted = wanted_of("1", {{"a", "5"}}, {{"a", 5}});
  const auto plan = make_plan({{"/cg/1", 1, &wanted}},
                              {attachment(1, "hand", {{"a", 7}}), attachment(2, "hand", {})});
  EXPECT_THAT(plan.steps, SizeIs(0));
  EXPECT_EQ(plan_text(plan),
            "   uto  /cg/1  by hand, stays as it is, though p.toml:3 wants it, too\n"
            "   uto  /cg/2  by hand, stays\n");
}

TEST(Plan, WhatAnOlderDaemonAttachedIsByHand) {
  auto old = attachment(1, "", {});
  old.erase("origin");
  EXPECT_THAT(make_plan({}, nlohmann::json::array({old})).steps, SizeIs(0));
}

TEST(Plan, WhatWasRemovedEndsByItself) {
  auto removed = attachment(1, "policy", {});
  removed["removed"] = true;
  EXPECT_THAT(make_plan({}, nlohmann::json::array({removed})).steps, SizeIs(0));
}

TEST(Plan, AListTooLongToBeShownIsSetAndNotTakenBack) {
  const auto wanted = wanted_of("1", {{"list", "x"}}, {{"list", {"x"}}});
  auto now = attachment(1, "policy", {{"list", {"x"}}});
  now["shortened"] = {{"list", 1024}};
  const auto plan = make_plan({{"/cg/1", 1, &wanted}}, nlohmann::json::array({now}));
  ASSERT_THAT(plan.steps, SizeIs(1));
  EXPECT_EQ(plan.steps[0].settings, (Settings{{"list", "x"}}));
  EXPECT_EQ(plan.steps[0].before, Settings());
}

TEST(Plan, AParameterThatTheAttachedVersionLacksIsMissedIfItWasAskedFor) {
  const auto by_default = wanted_of("1", {}, {{"a", 1}, {"fresh", 0}});
  const nlohmann::json now = nlohmann::json::array({attachment(1, "policy", {{"a", 1}})});
  EXPECT_THAT(make_plan({{"/cg/1", 1, &by_default}}, now).steps, SizeIs(0));
  const auto asked = wanted_of("1", {{"fresh", "2"}}, {{"a", 1}, {"fresh", 2}});
  EXPECT_THAT(make_plan({{"/cg/1", 1, &asked}}, now).steps, SizeIs(1));
}

TEST(Plan, ANameCountsBeforeAPattern) {
  const auto name = wanted_of("k/a", {}, {});
  const auto pattern = wanted_of("k/*", {}, {});
  for (const auto& [first, second] : {std::pair{&name, &pattern}, {&pattern, &name}}) {
    std::vector<Target> targets;
    ASSERT_TRUE(add_target(targets, {"/cg/k/a", 1, first}));
    ASSERT_TRUE(add_target(targets, {"/cg/k/a", 1, second}));
    ASSERT_THAT(targets, SizeIs(1));
    EXPECT_EQ(targets.front().wanted, &name);
  }
  std::vector<Target> targets;
  ASSERT_TRUE(add_target(targets, {"/cg/k/a", 1, &pattern}));
  const auto other = wanted_of("[k]/a", {}, {});
  EXPECT_THAT(error_of(add_target(targets, {"/cg/k/a", 1, &other})),
              HasSubstr("p.toml:3: cgroup: uto is wanted on /cg/k/a at p.toml:3 already; "));
}

}  // namespace
}  // namespace tcpopt
