// SPDX-License-Identifier: GPL-2.0-or-later
// mptcpstat: what MPTCP did, from a capture.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <tuple>

#include "mptcpstat/run.h"

namespace {

using namespace tcpopt;
using namespace tcpopt::mptcpstat;

void declare(CLI::App& app, RunOptions& options) {
  app.set_version_flag("--version", "mptcpstat " TCPOPT_VERSION);
  app.add_option("FILE", options.file, "pcap or pcapng; - is the standard input");
  app.add_option("-i,--interface", options.interface,
                 "Capture on this interface, or any, instead of reading a file");
  app.add_option("--seconds", options.seconds, "End the live capture after so long (or Ctrl-C)");
  app.add_option("--filter", options.filter, "Only frames that match, see pcap-filter(7)");
  app.add_option("--token", options.tokens,
                 "Only sessions with this token at either end; repeatable")
      ->allow_extra_args(false);
  app.add_option("--from", options.from,
                 "Only sessions that were active at this time or later: seconds since 1970, "
                 "+SECONDS after the first segment, or \"YYYY-MM-DD HH:MM:SS\"");
  app.add_option("--to", options.to, "Only sessions that began before this time");
  auto* json = app.add_flag("--json", options.json, "One JSON document");
  auto* csv = app.add_flag("--csv", options.csv, "CSV, a row a session")->excludes(json);
  app.add_flag("--csv-subflows", options.csv_subflows, "CSV, a row a subflow")
      ->excludes(json)
      ->excludes(csv);
  app.add_flag("--totals", options.totals_only, "Leave the single sessions out");
  app.add_option("--idle", options.idle_seconds,
                 "Seconds without a packet after which a session is over")
      ->capture_default_str();
  app.add_option("--max-sessions", options.limits.sessions,
                 "Sessions followed at a time; the least active one is reported early then")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000));
  app.add_option("--max-subflows", options.limits.subflows, "Subflows followed at a time, in all")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000));
  app.add_option("--max-ranges", options.limits.ranges,
                 "Sequence ranges remembered, in all; reinjections of what was forgotten "
                 "are counted without their cause")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000'000));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    RunOptions options;
    CLI::App app{
        "Shows what MPTCP (RFC 8684, RFC 6824) did in a capture: sessions, subflows, joins,\n"
        "announced addresses, round-trip times, reinjections, reordering, fallbacks."};
    app.footer(help_footer());
    declare(app, options);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) {  // --help is one of them
        return app.exit(error);
      }
      fmt::print(stderr, "mptcpstat: {}; see mptcpstat --help\n", error.what());
      return 2;
    }
    if (options.file.empty() == options.interface.empty()) {
      fmt::print(stderr, "mptcpstat: give one of FILE and --interface; see mptcpstat --help\n");
      return 2;
    }
    std::ignore = std::signal(SIGINT, [](int) { Capture::stop(); });
    std::ignore = std::signal(SIGTERM, [](int) { Capture::stop(); });
    options.colour = isatty(STDOUT_FILENO) != 0;
    const auto done = run(options, stdout);
    if (std::fflush(stdout) != 0 && done) {
      fmt::print(stderr, "mptcpstat: standard output: cannot be written\n");
      return 1;
    }
    if (!done) {
      fmt::print(stderr, "mptcpstat: {}\n", done.error().line());
      return 1;
    }
    return 0;
  } catch (const std::exception& error) {
    // fmt could be what threw.
    std::ignore = std::fprintf(stderr, "mptcpstat: %s\n", error.what());
    return 1;
  }
}
