// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/policy.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support.h"

namespace tcpopt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

Policy policy_of(std::string_view text) {
  Catalog programs({TEST_OBJECTS});
  Policy policy;
  add_to(policy, parse_policy(text, "p.toml"), programs, "/sys/fs/cgroup");
  return policy;
}

/// The only error, as it is shown.
std::string error_in(std::string_view text) {
  const auto policy = policy_of(text);
  EXPECT_THAT(policy.errors, SizeIs(1)) << text;
  EXPECT_THAT(policy.wanted, SizeIs(0)) << text;
  return policy.errors.empty() ? "" : policy.errors.front().line();
}

/// An entry for the program sample with one parameter, in line 4.
std::string sample_with(std::string_view parameter) {
  return fmt::format("[[attach]]\nprogram = 'sample'\ncgroup = 'web'\nparameters.{}\n", parameter);
}

TEST(Policy, SettingsAreOfTheirTypes) {
  const auto policy = policy_of(R"(
[[attach]]
program = "sample"
cgroup = "web.slice"
force = true
[attach.parameters]
timeout = 0x10
wide = -7
enabled = false
color = "BLUE"
label = "a b"
)");
  ASSERT_THAT(policy.errors, SizeIs(0)) << policy.errors.front().line();
  ASSERT_THAT(policy.wanted, SizeIs(1));
  const auto& wanted = policy.wanted.front();
  EXPECT_EQ(wanted.program, "sample");
  EXPECT_EQ(wanted.pattern.text(), "web.slice");
  EXPECT_TRUE(wanted.force);
  EXPECT_EQ(wanted.place.text(), "p.toml:2");
  EXPECT_EQ(wanted.settings, (Settings{{"timeout", "16"},
                                       {"wide", "-7"},
                                       {"enabled", "false"},
                                       {"color", "BLUE"},
                                       {"label", "a b"}}));
  // What is not said is the default.
  EXPECT_EQ(wanted.params, nlohmann::json::parse(R"({"timeout": 16, "offset": 0, "big": 0,
      "wide": -7, "tiny": 0, "enabled": false, "color": "BLUE", "label": "a b"})"));
}

TEST(Policy, ListsAreArrays) {
  const auto policy = policy_of(
      "[[attach]]\nprogram = 'lists'\ncgroup = 'a'\n"
      "parameters = { prefixes = ['2001:db8::/32', '10.0.0.0/8'] }\n"
      "[[attach]]\nprogram = 'lists'\ncgroup = 'b/*'\nparameters = { prefixes = [] }\n");
  ASSERT_THAT(policy.errors, SizeIs(0)) << policy.errors.front().line();
  ASSERT_THAT(policy.wanted, SizeIs(2));
  EXPECT_EQ(policy.wanted[0].settings.at("prefixes"), "2001:db8::/32,10.0.0.0/8");
  EXPECT_EQ(policy.wanted[0].params["prefixes"], (nlohmann::json{"10.0.0.0/8", "2001:db8::/32"}));
  EXPECT_EQ(policy.wanted[1].settings.at("prefixes"), "");
}

TEST(Policy, ErrorsNameFileLineKeyAndCure) {
  for (const auto& [parameter, error] :
       {std::pair{"timeout = 301", "timeout: 301 is out of range; use 1..300 s"},
        {"timeout = '30'", "timeout: it is a string, not a number; use 1..300 s"},
        {"timeout = true", "timeout: it is a boolean, not a number; use 1..300 s"},
        {"timeout = 1.5",
         "timeout: it is a number with a fraction; a parameter is a whole number, "
         "true or false, a string or an array of strings"},
        {"enabled = 1", "enabled: it is a number, not a boolean; use true or false"},
        {"color = 'PINK'", "color: 'PINK' is not one of its values; use RED|GREEN|BLUE"},
        {"color = 5", "color: it is a number, not a string; use RED|GREEN|BLUE"},
        {"label = ['x']", "label: it is an array, not a string; use at most 15 bytes"},
        {"label = [1]", R"(label: element 1 is a number, not a string; write ["eth0", "wlan0"])"},
        {"nonsense = 1",
         "nonsense: there is no such parameter; it has timeout, offset, big, wide, "
         "tiny, enabled, color, label"}}) {
    EXPECT_EQ(error_in(sample_with(parameter)), fmt::format("p.toml:4: parameters.{}", error));
  }
  for (const auto& [text, error] :
       {std::pair{"[[attach]]\nprogram = 'sample'\n", "p.toml:1: cgroup: it is missing from"},
        {"[[attach]]\ncgroup = 'a'\n", "p.toml:1: program: it is missing from"},
        {"[[attach]]\nprogram = 'sample'\ncgroup = 'a'\ncgruop = 'b'\n",
         "p.toml:4: cgruop: there is no such key in an [[attach]]; it has program, cgroup"},
        {"[[attach]]\nprogram = 7\ncgroup = 'a'\n", "p.toml:2: program: it is a number, not a"},
        {"[[attach]]\nprogram = 'sample'\ncgroup = 'a'\nforce = 1\n", "p.toml:4: force: it is a"},
        {"[[attach]]\nprogram = 'sample'\ncgroup = 'a'\nparameters = 1\n",
         "p.toml:4: parameters: it is a number, not a table"},
        {"[[attach]]\nprogram = 'nowhere'\ncgroup = 'a'\n",
         "p.toml:2: program: no program 'nowhere' in "},
        {"[[attach]]\nprogram = '../sample'\ncgroup = 'a'\n",
         "p.toml:2: program: '../sample' is not a program name; "},
        {"[[attach]]\nprogram = 'sample'\n\ncgroup = '/etc'\n",
         "p.toml:4: cgroup: '/etc' is not below /sys/fs/cgroup"},
        {"[[attach]]\nprogram = 'sample'\ncgroup = \"a\\u0000\"\n",
         "p.toml:3: cgroup: it has a character 0"},
        {"[attach]\nprogram = 'sample'\ncgroup = 'a'\n",
         "p.toml:1: attach: it is a table, not a list of tables; write [[attach]] with"},
        {"attach = [1]\n", "p.toml:1: attach: "},
        {"\nverbose = true\n", "p.toml:2: verbose: there is no such key; an entry is [[attach]]"},
        {"[[attach]]\nprogram = 'sample\n", "p.toml:2: not TOML: "},
        {"[[attach]]\nprogram = 'a'\nprogram = 'b'\n", "p.toml:3: not TOML: "},
        {"\xff", "p.toml:1: not TOML: "}}) {
    EXPECT_THAT(error_in(text), StartsWith(error)) << text;
    EXPECT_THAT(error_in(text), HasSubstr("; ")) << "a cure";
  }
}

TEST(Policy, ListsNameTheElement) {
  const std::string entry = "[[attach]]\nprogram = 'lists'\ncgroup = 'a'\nparameters.prefixes = ";
  EXPECT_THAT(
      error_in(entry + "'10.0.0.0/8'"),
      StartsWith("p.toml:4: parameters.prefixes: it is a string, not an array; use [\"..."));
  EXPECT_THAT(error_in(entry + "['10.0.0.0/8', '10.0.0.1/8']"), HasSubstr("10.0.0.1/8"));
  EXPECT_THAT(error_in(entry + "['10.0.0.0/8,11.0.0.0/8']"), HasSubstr("is not one element"));
}

TEST(Policy, AllErrorsAreFound) {
  const auto policy = policy_of("x = 1\n" + sample_with("timeout = 0\nparameters.tiny = 'a'") +
                                sample_with("tiny = 3") + sample_with("tiny = 256"));
  EXPECT_THAT(policy.errors, SizeIs(4));
  EXPECT_THAT(policy.wanted, SizeIs(1));
}

TEST(Policy, OneProgramIsWantedOnceForTheSame) {
  const auto policy = policy_of(sample_with("tiny = 1") + sample_with("tiny = 2"));
  ASSERT_THAT(policy.errors, SizeIs(1));
  EXPECT_THAT(policy.errors.front().line(),
              StartsWith("p.toml:7: cgroup: sample is wanted there at p.toml:1 already; leave"));
}

TEST(Policy, FilesOfTheAdministratorCountBeforeThoseOfTheVendor) {
  const TemporaryDirectory top;
  const auto own = top.path() / "own";
  const auto vendor = top.path() / "vendor";
  for (const auto& file :
       {vendor / "tcpopt.toml", vendor / "conf.d/10-a.toml", vendor / "conf.d/30-c.toml",
        own / "conf.d/20-b.toml", own / "conf.d/30-c.toml", own / "conf.d/README"}) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << "";
  }
  auto files = policy_files({own, vendor});
  ASSERT_TRUE(files) << error_of(files);
  EXPECT_THAT(*files, ElementsAre(vendor / "tcpopt.toml", vendor / "conf.d/10-a.toml",
                                  own / "conf.d/20-b.toml", own / "conf.d/30-c.toml"));
  EXPECT_THAT(*policy_files({top.path() / "none"}), SizeIs(0));
}

TEST(Policy, LinkThatLeadsNowhereIsNotOverlooked) {
  const TemporaryDirectory top;
  std::filesystem::create_symlink(top.path() / "none", top.path() / "tcpopt.toml");
  const auto files = policy_files({top.path()});
  ASSERT_THAT(*files, ElementsAre(top.path() / "tcpopt.toml"));
  EXPECT_THAT(read_policy(files->front()).errors.at(0).line(), HasSubstr("No such file"));
}

TEST(Policy, FilesThatOthersMayWriteRuleNothing) {
  const TemporaryDirectory top;
  const auto file = top.path() / "tcpopt.toml";
  std::ofstream(file) << "";
  EXPECT_THAT(read_policy(file).errors, SizeIs(0));
  ASSERT_EQ(::chmod(file.c_str(), 0664), 0);
  const auto read = read_policy(file);
  if (::geteuid() == 0) {
    EXPECT_THAT(read.errors.at(0).line(), HasSubstr("others than root may write it (owner 0, mode "
                                                    "664); look what it says; chown root"));
  } else {
    EXPECT_THAT(read.errors, SizeIs(0));
  }
}

TEST(Policy, FilesThatCannotBeRead) {
  const TemporaryDirectory top;
  EXPECT_THAT(read_policy(top.path() / "no.toml").errors.at(0).line(),
              HasSubstr("no.toml: No such file or directory; "));
  EXPECT_THAT(read_policy(top.path()).errors.at(0).line(), HasSubstr("Is a directory; "));
  EXPECT_THAT(read_policy("/dev/zero").errors.at(0).line(), HasSubstr("it has more than"));
  // A file of the vendor is masked so.
  const auto masked = read_policy("/dev/null");
  EXPECT_THAT(masked.errors, SizeIs(0));
  EXPECT_THAT(masked.entries, SizeIs(0));
}

}  // namespace
}  // namespace tcpopt
