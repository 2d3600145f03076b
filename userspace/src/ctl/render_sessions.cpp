// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/render_sessions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ctl/render.h"

namespace tcpopt {

namespace {

using nlohmann::json;

/// @p units of 1000 each; what is below the first is a whole number.
std::string three_digits(std::uint64_t value, std::span<const std::string_view> units) {
  if (value < 1000) {
    return fmt::format("{} {}", value, units.front());
  }
  auto scaled = static_cast<double>(value);
  std::size_t unit = 0;
  while (scaled >= 999.5 && unit + 1 < units.size()) {
    scaled /= 1000;
    ++unit;
  }
  const int digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", scaled, digits, units[unit]);
}

std::string text_at(const json& object, const char* key) {
  return printable(object.value(key, std::string("-")));
}

/// What a subflow's state alone does not say.
std::string remarks(const json& subflow) {
  std::vector<std::string> words{subflow.at("state").get<std::string>()};
  if (words.front() == "established") {
    words.front() = "estab";
  }
  for (const auto& [key, word] : {std::pair{"initial", "initial"},
                                  {"backup", "backup"},
                                  {"peer_backup", "peer's backup"},
                                  {"stale", "stale"}}) {
    if (subflow.value(key, false)) {
      words.emplace_back(word);
    }
  }
  if (subflow.contains("reset")) {
    words.push_back("reset: " + subflow.at("reset").get<std::string>());
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string heading(const json& session) {
  auto line =
      fmt::format("{}  {}  {}", session.at("token").get<std::string>(),
                  session.at("role").get<std::string>(), session.at("state").get<std::string>());
  if (session.value("fallback", false)) {
    line += "  fell back to TCP";
  }
  line += fmt::format("  path manager {}", text_at(session, "path_manager"));
  if (session.contains("scheduler")) {
    line += fmt::format("  scheduler {}", text_at(session, "scheduler"));
  }
  const auto cgroup = session.at("cgroup").get<std::string>();
  line += "\n  " + (cgroup.empty() ? fmt::format("a removed cgroup, id {}",
                                                 session.at("cgroup_id").get<std::uint64_t>())
                                   : printable(cgroup));
  line += fmt::format("  netns of {}\n", printable(session.at("netns").value("found_at", "")));
  if (session.contains("ended")) {
    line += fmt::format("  its initial subflow has ended: {}\n", text_at(session, "ended"));
  }
  return line;
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> kUnits{"B", "kB", "MB", "GB", "TB", "PB"};
  return three_digits(bytes, kUnits);
}

std::string time_text(std::uint64_t us) {
  static constexpr std::array<std::string_view, 3> kUnits{"us", "ms", "s"};
  return three_digits(us, kUnits);
}

std::string sessions_text(const json& sessions) {
  if (sessions.empty()) {
    return "no MPTCP sessions\n";
  }
  std::string text;
  for (const auto& session : sessions) {
    text += (text.empty() ? "" : "\n") + heading(session);
    std::vector<std::vector<std::string>> rows{
        {"  LOCAL", "REMOTE", "DEV", "RTT", "ACKED", "RECEIVED", "STATE"}};
    for (const auto& subflow : session.at("subflows")) {
      rows.push_back({"  " + text_at(subflow, "local"), text_at(subflow, "remote"),
                      text_at(subflow, "interface"),
                      subflow.contains("rtt_us") ? time_text(subflow.at("rtt_us")) : "-",
                      bytes_text(subflow.at("bytes_acked")),
                      bytes_text(subflow.at("bytes_received")), remarks(subflow)});
    }
    text += table(rows);
    if (session.contains("left_out")) {
      text += fmt::format("  and {} more\n", session.at("left_out").get<std::size_t>());
    }
  }
  return text;
}

}  // namespace tcpopt
