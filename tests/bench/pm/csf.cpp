// SPDX-License-Identifier: GPL-2.0-or-later
// A path manager out of pm_nl_ctl, the tool of the kernel's selftests: reads what
// `pm_nl_ctl events` prints and calls `pm_nl_ctl csf` for each session of a client.
//
// pm_nl_ctl events 2>&1 | bench-csf PM_NL_CTL LOCAL-ADDRESS
#include <spawn.h>

#include <array>
#include <csignal>
#include <iostream>
#include <string>

namespace {

/// The value of `,key:value` in a line, or "".
std::string field(const std::string& line, const std::string& key) {
  const auto start = line.find("," + key + ":");
  if (start == std::string::npos) {
    return {};
  }
  const auto value = start + key.size() + 2;
  return line.substr(value, line.find(',', value) - value);
}

/// Does not wait for it: events that nobody reads are lost.
void create_subflow(const char* tool, const char* local, const std::string& line) {
  std::string remote = field(line, "daddr4");
  std::string port = field(line, "dport");
  std::string token = field(line, "token");
  std::array<std::string, 12> words{tool,  "csf",  "lip",   local, "lid",   "1",
                                    "rip", remote, "rport", port,  "token", token};
  std::array<char*, words.size() + 1> argv{};
  for (std::size_t i = 0; i < words.size(); i++) {
    argv.at(i) = words.at(i).data();
  }
  pid_t child = 0;
  if (posix_spawn(&child, tool, nullptr, nullptr, argv.data(), nullptr) != 0) {
    std::cerr << "bench-csf: cannot start " << tool << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: bench-csf PM_NL_CTL LOCAL-ADDRESS\n";
    return 2;
  }
  static_cast<void>(signal(SIGCHLD, SIG_IGN));  // nobody asks what became of them
  constexpr const char* kEstablished = "type:2,";
  for (std::string line; std::getline(std::cin, line);) {
    if (line.starts_with(kEstablished) && field(line, "server_side") != "1") {
      create_subflow(argv[1], argv[2], line);
    } else if (!line.starts_with("type:")) {
      std::cerr << line << "\n";  // what it says on its way out
    }
  }
  return 0;
}
