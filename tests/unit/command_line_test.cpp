// SPDX-License-Identifier: GPL-2.0-or-later
// The two programs from outside: exit statuses and the one line on stderr.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/log.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int status;
  std::string out, err;
};

class CommandLine : public testing::Test {
 protected:
  /// @param arguments for the shell
  [[nodiscard]] Outcome run(std::string_view program, std::string_view arguments) const {
    const auto out = directory_.path() / "out";
    const auto err = directory_.path() / "err";
    const auto command =
        fmt::format("{} {} >{} 2>{}", program, arguments, out.string(), err.string());
    const int status = std::system(command.c_str());  // NOLINT(cert-env33-c): our own words
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(err)};
  }
  [[nodiscard]] Outcome ctl(std::string_view arguments) const {
    return run(TEST_TCPOPTCTL,
               fmt::format("--run-dir {} {}", directory_.path().string(), arguments));
  }
  /// Expects exit status 1 and one line on stderr, which is returned.
  [[nodiscard]] static std::string refusal(const Outcome& outcome) {
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("; ")) << "a cure";
    return outcome.err;
  }

  TemporaryDirectory directory_;

 private:
  static std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

TEST_F(CommandLine, WrongUsageIs2AndOneLine) {
  for (const auto* arguments :
       {"", "frobnicate", "attach", "attach uto", "attach --cgroup /x", "detach uto",
        "detach uto --cgroup /x --cgroup-id 3", "set uto --cgroup /x", "list uto", "list --jsn",
        "check --cgroup /x", "attach uto --cgroup", "attach uto --cgroup /x --set", "config",
        "config mend", "apply a b", "apply --dry"}) {
    const auto outcome = ctl(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_THAT(outcome.err, StartsWith("tcpoptctl: "));
    EXPECT_EQ(outcome.out, "");
  }
  for (const auto* what : {"frobnicate", "--frobnicate", "frobnicate uto --cgroup /x"}) {
    EXPECT_THAT(ctl(what).err, HasSubstr("frobnicate'")) << what;
  }
  EXPECT_EQ(run(TEST_LOADER, "--nonsense").status, 2);
  EXPECT_EQ(run(TEST_LOADER, "extra").status, 2);
}

TEST_F(CommandLine, VersionIsOneForAll) {
  const auto outcome = ctl("--version");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, testing::MatchesRegex("tcpoptctl [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(run(TEST_LOADER, "--version").out, "tcpopt-loader" + outcome.out.substr(9));
}

TEST_F(CommandLine, SettingsAreSettings) {
  for (const auto* arguments : {"attach uto --cgroup / a=1 nonsense",
                                "attach uto --cgroup / "
                                "--set nonsense a=1",
                                "set uto --cgroup / a=1 nonsense"}) {
    EXPECT_THAT(refusal(ctl(arguments)), HasSubstr("'nonsense'")) << arguments;
  }
}

TEST_F(CommandLine, HelpIsHelp) {
  for (const auto* arguments : {"--help", "attach --help", "list -h"}) {
    const auto outcome = ctl(arguments);
    EXPECT_EQ(outcome.status, 0) << arguments;
    EXPECT_THAT(outcome.out, HasSubstr("Usage")) << arguments;
  }
  EXPECT_EQ(run(TEST_LOADER, "--help").status, 0);
}

TEST_F(CommandLine, WithoutDaemon) {
  EXPECT_THAT(refusal(ctl("list")), StartsWith("tcpoptctl: no daemon at "));
}

TEST_F(CommandLine, CgroupsThatAreNone) {
  const auto file = directory_.path() / "file";
  std::ofstream(file) << "x";
  const auto top = directory_.path().string();
  EXPECT_THAT(refusal(ctl("attach uto --cgroup " + top + "/no")), HasSubstr("it does not exist"));
  EXPECT_THAT(refusal(ctl("attach uto --cgroup " + top)), HasSubstr("it is not a cgroup"));
  EXPECT_THAT(refusal(ctl("set uto a=1 --cgroup " + file.string())),
              HasSubstr("it is not a directory"));
  EXPECT_THAT(refusal(ctl("detach uto --cgroup " + top + "/no")),
              HasSubstr("what was attached went with it"));
}

TEST_F(CommandLine, SettingsThatAreNone) {
  EXPECT_THAT(refusal(ctl("attach uto --cgroup / --set a=1 --set a=2")),
              HasSubstr("a is given twice"));
  EXPECT_THAT(refusal(ctl("set uto --cgroup / a")), HasSubstr("'a' is not a setting"));
}

TEST_F(CommandLine, ProgramsAreReadWithoutDaemon) {
  std::filesystem::copy(std::filesystem::path(TEST_OBJECTS) / "sample.bpf.o", directory_.path());
  const auto outcome = ctl("programs --programs " + directory_.path().string());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("sample: a sample\n  timeout  1..300 s"));
  EXPECT_EQ(ctl("programs --programs /nonexistent").out, "");
}

TEST_F(CommandLine, ABrokenObjectIsNamedAndLeftOut) {
  for (const auto* const name : {"broken-bitfield.bpf.o", "sample.bpf.o"}) {
    std::filesystem::copy(std::filesystem::path(TEST_OBJECTS) / name, directory_.path());
  }
  const auto outcome = ctl("programs --programs " + directory_.path().string());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, StartsWith("sample: a sample"));
  EXPECT_THAT(outcome.err, StartsWith("tcpoptctl: warning: left out: "));
  EXPECT_THAT(outcome.err, HasSubstr("broken-bitfield.bpf.o: params: narrow: it is a bitfield"));
}

TEST_F(CommandLine, APolicyIsCheckedWithoutDaemon) {
  const auto check = fmt::format("--programs {} --config {} config check", TEST_OBJECTS,
                                 directory_.path().string());
  EXPECT_THAT(ctl(check).out, StartsWith("no policy: "));
  std::ofstream(directory_.path() / "tcpopt.toml")
      << "[[attach]]\nprogram = 'sample'\ncgroup = 'web'\nparameters = { timeout = 5 }\n";
  EXPECT_EQ(ctl(check).status, 0);
  EXPECT_THAT(ctl(check).out, HasSubstr("tcpopt.toml: 1 attachment\n"));
  const auto bad = directory_.path() / "bad.toml";
  std::ofstream(bad) << "[[attach]]\nprogram = 'sample'\ncgroup = 'web'\ncgruop = ''\nx = 1\n";
  const auto outcome = ctl(check + " " + bad.string());
  EXPECT_THAT(refusal(outcome), HasSubstr("1 of 1 files would not be applied"));
  EXPECT_THAT(outcome.out, HasSubstr("bad.toml:4: cgruop: there is no such key"));
  EXPECT_THAT(outcome.out, HasSubstr("bad.toml:5: x: there is no such key"));
}

TEST_F(CommandLine, APolicyWithAnErrorIsNotApplied) {
  const auto bad = directory_.path() / "bad.toml";
  std::ofstream(bad) << "[[attach]]\n";
  EXPECT_THAT(refusal(ctl("apply " + bad.string())),
              HasSubstr("bad.toml:1: program: it is missing"));
  EXPECT_THAT(refusal(ctl("apply /nonexistent")), HasSubstr("No such file"));
}

TEST(Log, AMessageIsOneLine) {
  ASSERT_TRUE(start_logging("info"));
  testing::internal::CaptureStderr();
  spdlog::info("attach uto to {}: done", "/cg/x\nwarning: all is lost");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("/cg/x\\x0awarning: all is lost: done\n"));
}

TEST(Log, LevelsAreNamed) {
  EXPECT_THAT(error_of(start_logging("loud")), HasSubstr("'loud' is not a log level"));
}

}  // namespace
}  // namespace tcpopt
