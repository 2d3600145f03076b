// SPDX-License-Identifier: GPL-2.0-or-later
#include <sstream>
#include <string>

#include "ctl/render_status.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;
using testing::Not;

nlohmann::json attachment() {
  return {{"name", "uto"},
          {"cgroup", "/cg/web"},
          {"cgroup_id", 5},
          {"link_id", 3},
          {"prog_id", 12},
          {"since", 0},
          {"origin", "policy"},
          {"params", {{"advertise", 30}, {"exid", 0xbeef}}},
          {"shown", {{"exid", "0xbeef"}}},
          {"stats", {{"applied", 4}, {"taken", 0}}},
          {"help",
           {{"params",
             {{"advertise", {{"unit", "s"}, {"help", "how long"}}},
              {"exid", {{"unit", "hex"}, {"help", ""}}}}},
            {"stats", {{"applied", "changed it"}, {"taken", "not told"}}}}},
          {"others", nlohmann::json::array()}};
}

TEST(Status, ParametersAndCountersAreExplained) {
  const auto text = status_text(nlohmann::json::array({attachment()}), {});
  EXPECT_THAT(text, testing::StartsWith("uto on /cg/web\n  since "));
  EXPECT_THAT(text, HasSubstr(", by policy, program 12, link 3\n"));
  EXPECT_THAT(text, HasSubstr("  parameters\n"
                              "    advertise  30 s    how long\n"
                              "    exid       0xbeef\n"
                              "  counters\n"
                              "    applied  4  changed it\n"
                              "    taken    0  not told\n"));
  EXPECT_THAT(text, Not(HasSubstr("others")));
  EXPECT_EQ(status_text(nlohmann::json::array(), {}), "nothing is attached\n");
}

TEST(Status, ColorsAreForTerminalsAlone) {
  EXPECT_THAT(status_text(nlohmann::json::array({attachment()}), {}), Not(HasSubstr("\x1b")));
  const auto text =
      status_text(nlohmann::json::array({attachment()}), {.colors = true, .before = {}});
  EXPECT_THAT(text, testing::StartsWith("\x1b[1muto\x1b[0m on"));
  EXPECT_THAT(text, HasSubstr("\x1b[2m    taken    0  not told\x1b[0m\n"));
}

TEST(Status, WhatWasAddedSinceTheLastLook) {
  auto before = attachment();
  before["stats"]["applied"] = 1;
  EXPECT_THAT(status_text(nlohmann::json::array({attachment()}),
                          {.colors = false, .before = nlohmann::json::array({before})}),
              HasSubstr("applied  4 (+3)  changed it\n"));
  // Another attachment counts on its own, also if the program is the same.
  before["link_id"] = 4;
  EXPECT_THAT(status_text(nlohmann::json::array({attachment()}),
                          {.colors = false, .before = nlohmann::json::array({before})}),
              Not(HasSubstr("(+")));
}

TEST(Status, ProgramsOfOthers) {
  auto one = attachment();
  one["others"] = nlohmann::json::array({{{"id", 55}, {"name", "tcp\npr"}, {"cgroup", "/cg"}}});
  EXPECT_THAT(status_text(nlohmann::json::array({one}), {}),
              HasSubstr("  sock_ops programs of others that run here\n"
                        "    tcp\\x0apr  program 55  /cg\n"));
}

TEST(Status, LongTextsAreFoldedAt100Columns) {
  auto one = attachment();
  std::string words;
  std::string addresses;
  for (int i = 0; i < 40; ++i) {
    words += "word ";
    addresses += "2001:db8::/32,";
  }
  one["help"]["stats"]["applied"] = words;
  one["params"]["trusted"] = addresses;
  one["help"]["params"]["trusted"] = {{"unit", ""}, {"help", words}};
  std::istringstream lines(status_text(nlohmann::json::array({one}), {}));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100U) << line;
  }
  EXPECT_EQ(fold("a bb", 2), "a bb");
  EXPECT_EQ(fold(std::string(200, 'x'), 2), std::string(200, 'x'));
  EXPECT_EQ(fold(std::string(90, 'x') + " bb", 20),
            std::string(90, 'x') + "\n" + std::string(20, ' ') + "bb");
}

}  // namespace
}  // namespace tcpopt
