// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/render.h"

#include <array>

#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

TEST(Render, TablesAreAlignedAndHaveNoBlanksAtTheEnd) {
  EXPECT_EQ(table({{"A", "LONG", "C"}, {"wider", "x", ""}}), "A      LONG  C\nwider  x\n");
  EXPECT_EQ(table({}), "");
}

TEST(Render, ListShowsParameters) {
  const nlohmann::json attachments{
      {{"name", "uto"}, {"cgroup", "/c"}, {"since", 0}, {"params", {{"a", 1}, {"b", "x"}}}},
      {{"name", "bare"}, {"cgroup", "/c"}, {"since", 0}, {"params", nlohmann::json::object()}}};
  const auto text = list_text(attachments);
  EXPECT_THAT(text, testing::StartsWith("NAME  CGROUP  SINCE"));
  EXPECT_THAT(text, HasSubstr("a=1 b=x\n"));
  EXPECT_THAT(text, HasSubstr("  -\n"));
}

TEST(Render, ListCountsAddressesIfAProgramIsToldOfThem) {
  nlohmann::json attachments;
  for (const auto& [addresses, backups, namespaces] : {std::array{2, 0, 1}, {3, 1, 2}}) {
    attachments.push_back(
        {{"name", "pm"},
         {"cgroup", "/c"},
         {"since", 0},
         {"params", nlohmann::json::object()},
         {"local_addrs",
          {{"addresses", addresses}, {"backups", backups}, {"namespaces", namespaces}}}});
  }
  attachments.back()["local_addrs"]["left_out"] = 5;
  attachments.push_back({{"name", "uto"}, {"cgroup", "/c"}, {"since", 0}, {"params", {{"a", 1}}}});
  const auto text = list_text(attachments);
  EXPECT_THAT(text, testing::ContainsRegex("SINCE +BY +ADDRESSES +PARAMS\n"));
  EXPECT_THAT(text, testing::ContainsRegex("  2 +-\n"));
  EXPECT_THAT(text, testing::ContainsRegex("  3 \\(1 backup\\), 5 left out in 2 netns  -\n"));
  EXPECT_THAT(text, testing::ContainsRegex("  - +a=1\n"));
}

TEST(Render, ProgramsShowRangeUnitAndDefault) {
  Param timeout;
  timeout.name = "timeout";
  timeout.min = std::uint64_t{1};
  timeout.max = std::uint64_t{300};
  timeout.unit = "s";
  timeout.default_text = "30";
  timeout.help = "how long";
  Description uto;
  uto.name = "uto";
  uto.help = "an option";
  uto.interface.schema.params = {timeout};
  uto.interface.schema.maps = {{"trusted", "prefixes", MapKind::Prefixes, 8, "whom", {}}};
  EXPECT_EQ(programs_text({uto}),
            "uto: an option\n"
            "  timeout  1..300 s                  default 30    how long\n"
            "  trusted  ADDRESS/BITS,... up to 8  default none  whom\n");
  const auto json = programs_json({uto});
  EXPECT_EQ(json[0]["params"][0]["range"], "1..300 s");
  EXPECT_EQ(json[0]["params"][0]["default"], "30");
  EXPECT_EQ(json[0]["params"][1]["type"], "prefixes");
}

TEST(Render, ManyChoicesAreCutInTheTableOnly) {
  Param color;
  color.name = "color";
  color.kind = Kind::Enum;
  for (const auto* name : {"a", "b", "c", "d", "e", "f"}) {
    color.choices.emplace_back(name, std::uint64_t{0});
  }
  color.required = "x";
  Description program;
  program.name = "p";
  program.interface.schema.params = {color};
  EXPECT_EQ(programs_text({program}), "p\n  color  a|b|c|d|...     (needs x)\n");
  EXPECT_EQ(programs_json({program})[0]["params"][0]["range"], "a|b|c|d|e|f");
  EXPECT_EQ(programs_json({program})[0]["params"][0]["requires"], "x");
}

}  // namespace
}  // namespace tcpopt
