// SPDX-License-Identifier: GPL-2.0-or-later
// mptcpstat as its users have it: options, formats, messages.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "captures.h"
#include "mptcpstat/words.h"
#include "mptcpstat_support.h"

namespace tcpopt::mptcpstat {

namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Ran {
  int status = 0;
  std::string output;
};

struct MptcpstatProgram : testing::Test {
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("mptcpstat-{}", getpid());

  MptcpstatProgram() {
    std::filesystem::create_directories(directory);
    for (const auto& [name, bytes] : wire::captures()) {
      std::ofstream file{directory / name, std::ios::binary};
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
  }
  ~MptcpstatProgram() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }

  /// In the directory, by a shell; the output includes the messages.
  [[nodiscard]] Ran run(const std::string& arguments) const {
    const auto command =
        fmt::format("cd {} && {{ {} {}; }} 2>&1", directory.string(), TEST_MPTCPSTAT, arguments);
    auto* pipe = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): our own words
    Ran ran;
    std::array<char, 4096> buffer{};
    while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
      ran.output.append(buffer.data(), size);
    }
    ran.status = WEXITSTATUS(pclose(pipe));
    return ran;
  }
};

TEST_F(MptcpstatProgram, TableFitsInto100Columns) {
  for (const auto* name :
       {"two-paths", "two-paths-ipv6", "signals", "fallbacks", "without-start", "odd-frames"}) {
    const auto ran = run(name);
    EXPECT_EQ(ran.status, 0) << ran.output;
    std::istringstream lines{ran.output};
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 100U) << line;
    }
    EXPECT_THAT(ran.output, HasSubstr("total "));
    EXPECT_THAT(ran.output, Not(HasSubstr("\033"))) << "no terminal, no colours";
  }
  EXPECT_THAT(run("two-paths").output, HasSubstr("reinjected 1.00 kB in 1 segments"));
}

TEST_F(MptcpstatProgram, JsonIsOneDocument) {
  const auto document = nlohmann::json::parse(run("--json two-paths").output);
  EXPECT_EQ(document["sessions"].size(), 1U);
  EXPECT_EQ(document["totals"]["sessions"], 1);
  EXPECT_EQ(document["capture"]["fragments"], 0);
  EXPECT_EQ(document["limits_met"]["sessions_evicted"], 0);
  EXPECT_EQ(nlohmann::json::parse(run("--json --totals two-paths").output)["sessions"].size(), 0U);
  EXPECT_EQ(nlohmann::json::parse(run("--json odd-frames").output)["capture"]["fragments"], 1);
}

TEST_F(MptcpstatProgram, CsvHasARowPerSessionOrSubflow) {
  const auto rows = [](const std::string& text) {
    std::vector<std::size_t> fields;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
      fields.push_back(static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')));
    }
    return fields;
  };
  const auto sessions = rows(run("--csv two-paths").output);
  EXPECT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions.front(), sessions.back());
  const auto subflows = rows(run("--csv-subflows two-paths").output);
  EXPECT_EQ(subflows.size(), 3U);
  EXPECT_EQ(subflows.front(), subflows.back());
  EXPECT_EQ(rows(run("--csv --token 12345678 two-paths").output).size(), 1U)
      << "columns also without a row";
}

TEST_F(MptcpstatProgram, ReadsStandardInput) {
  EXPECT_EQ(run("--json - < two-paths").output, run("--json two-paths").output);
}

TEST_F(MptcpstatProgram, ChoosesSessions) {
  const auto count = [this](const std::string& arguments) {
    return nlohmann::json::parse(run("--json " + arguments).output)["totals"]["sessions"]
        .get<int>();
  };
  const auto token = digest_key(0x2222, 1).token;
  EXPECT_EQ(count(fmt::format("--token {:08x} two-paths", token)), 1);
  EXPECT_EQ(count(fmt::format("--token 0x{:x} two-paths", digest_key(0x1111, 1).token)), 1);
  EXPECT_EQ(count("--token 1 two-paths"), 0);
  EXPECT_EQ(count("--from +0 two-paths"), 1);
  EXPECT_EQ(count("--from +3600 two-paths"), 0);
  EXPECT_EQ(count("--to 1700000000 two-paths"), 0);
  EXPECT_EQ(count("--to 1700000000.5 two-paths"), 1);
  EXPECT_EQ(count("--filter 'port 40003' fallbacks"), 1);
  EXPECT_EQ(count("fallbacks"), 3);
}

TEST_F(MptcpstatProgram, BadInputGetsAMessageOfOneLine) {
  const auto says = [this](const std::string& arguments, int status, const std::string& text) {
    const auto ran = run(arguments);
    EXPECT_EQ(ran.status, status) << ran.output;
    EXPECT_THAT(ran.output, StartsWith("mptcpstat: "));
    EXPECT_THAT(ran.output, HasSubstr(text));
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
  };
  says("nothing-there", 1, "nothing-there: No such file or directory; give a file");
  says("/dev/null", 1, "give a file that tcpdump");
  says("--token xyz two-paths", 1, "--token: 'xyz' is not a token; give its 8 hex");
  says("--from yesterday two-paths", 1, "--from: 'yesterday' is not a time; give seconds");
  says("--filter 'prt 1' two-paths", 1, "filter 'prt 1': ");
  says("", 2, "give one of FILE and --interface");
  says("-i any two-paths", 2, "give one of FILE and --interface");
  says("--json --csv two-paths", 2, "see mptcpstat --help");
  says("-i no-such-interface", 1, "no-such-interface");
  std::ofstream wireless{directory / "wireless", std::ios::binary};
  const auto header = wire::Pcap{DLT_IEEE802_11}.take();
  wireless.write(reinterpret_cast<const char*>(header.data()),
                 static_cast<std::streamsize>(header.size()));
  wireless.close();
  says("wireless", 1, "link type 105 (IEEE802_11); Ethernet, raw IP");
}

TEST_F(MptcpstatProgram, ACaptureThatBreaksOffIsReportedUpToThere) {
  std::filesystem::resize_file(directory / "two-paths",
                               std::filesystem::file_size(directory / "two-paths") - 10);
  const auto ran = run("two-paths");
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.output, HasSubstr("total  1 sessions"));
  EXPECT_THAT(ran.output, HasSubstr("what could be read up to there was reported"));
}

TEST_F(MptcpstatProgram, TheReadmeShowsWhatItDoes) {
  std::filesystem::copy_file(directory / "two-paths", directory / "session.pcap");
  const auto table = run("session.pcap").output;
  std::ifstream readme{TEST_README};
  int commands = 0;
  int shown = 0;
  bool output = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("    mptcpstat ")) {
      const auto ran = run(line.substr(line.find(' ', 4)));
      EXPECT_EQ(ran.status, 0) << line << '\n' << ran.output;
      ++commands;
    }
    output = line.starts_with("    session 1") || (output && line.starts_with("    "));
    if (output) {
      line = line.substr(4, line.find(" ...") - 4);
      EXPECT_THAT(table, HasSubstr(line));
      ++shown;
    }
  }
  EXPECT_EQ(commands, 3);
  EXPECT_EQ(shown, 6);
}

TEST_F(MptcpstatProgram, HelpExplainsEachWord) {
  const auto help = run("--help");
  EXPECT_EQ(help.status, 0);
  for (const auto* word :
       {"--token", "--from", "--csv-subflows", "reinjection", "closing", "timeout", "early",
        "too-late", "no-option-later", "infinite-mapping", "data-fin", "evicted", "Exit status"}) {
    EXPECT_THAT(help.output, HasSubstr(word));
  }
}

TEST(MptcpstatWords, SizesTimesAndTokens) {
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(1'000), "1.00 kB");
  EXPECT_EQ(size_text(999'999), "1.00 MB");
  EXPECT_EQ(size_text(12'345'678), "12.3 MB");
  EXPECT_EQ(time_text(0), "0 s");
  EXPECT_EQ(time_text(1'500), "1.50 us");
  EXPECT_EQ(time_text(12'345'678), "12.3 ms");
  EXPECT_EQ(time_text(-2 * kSecond), "-2.00 s");
  EXPECT_EQ(parse_token("0xffffffff"), 0xffffffffU);
  for (const auto* bad : {"", "0x", "123456789", "12g", "-1", " 1"}) {
    EXPECT_FALSE(parse_token(bad)) << bad;
  }
  EXPECT_EQ(parse_when("+1.5")->after(kSecond), 2'500'000'000);
  EXPECT_EQ(parse_when("10")->after(kSecond), 10 * kSecond);
  EXPECT_EQ(parse_when("2026-11-26 01:02:03.5")->time - parse_when("2026-11-26 01:02:03")->time,
            kSecond / 2);
  for (const auto* bad : {"", "+", "-1", "nan", "inf", "1e300", "2026-11-26",
                          "2026-11-26 01:02:03x", "+2026-11-26 01:02:03"}) {
    EXPECT_FALSE(parse_when(bad)) << bad;
  }
}

}  // namespace

}  // namespace tcpopt::mptcpstat
