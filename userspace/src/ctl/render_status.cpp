// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/render_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "ctl/render.h"

namespace tcpopt {

namespace {

using nlohmann::json;

constexpr std::size_t kColumns = 100;

/// One of a list: what it is called, what it is, and what that means.
struct Item {
  std::string name, value, help;
  bool quiet = false;  ///< a counter of nothing
};

std::string styled(std::string_view text, std::string_view code, bool colors) {
  return colors ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string items_text(std::string_view title, const std::vector<Item>& items, bool colors) {
  if (items.empty()) {
    return {};
  }
  // What a list of prefixes takes must not push the help of all others away.
  constexpr std::size_t kWidestValue = 24;
  std::size_t names = 0;
  std::size_t values = 0;
  for (const auto& item : items) {
    names = std::max(names, item.name.size());
    if (item.value.size() <= kWidestValue) {
      values = std::max(values, item.value.size());
    }
  }
  const auto at = 4 + names + 2;
  const auto indent = at + values + 2;
  auto text = fmt::format("  {}\n", title);
  for (const auto& item : items) {
    auto line = fmt::format("    {:<{}}  ", item.name, names);
    line += item.value.size() <= kWidestValue
                ? fmt::format("{:<{}}  ", item.value, values)
                : fold(item.value, at) + '\n' + std::string(indent, ' ');
    line += fold(item.help, indent);
    line.erase(line.find_last_not_of(" \n") + 1);
    text += (item.quiet ? styled(line, "2", colors) : line) + '\n';
  }
  return text;
}

std::vector<Item> parameters(const json& attachment) {
  const auto help = attachment.at("help").at("params");
  const auto shown = attachment.value("shown", json::object());
  const auto shortened = attachment.value("shortened", json::object());
  std::vector<Item> items;
  for (const auto& [name, value] : attachment.at("params").items()) {
    const auto words = help.value(name, json::object());
    auto text = value_text(shown.value(name, value));
    if (shortened.contains(name)) {
      text += fmt::format(",... ({})", shortened.at(name).get<std::size_t>());
    }
    const auto unit = words.value("unit", "");
    // The value says so itself.
    if (!unit.empty() && unit != "hex") {
      text += ' ' + unit;
    }
    items.push_back({name, printable(text.empty() ? "none" : text), words.value("help", "")});
  }
  return items;
}

std::vector<Item> counters(const json& attachment, const json& before) {
  const auto help = attachment.at("help").at("stats");
  std::vector<Item> items;
  for (const auto& [name, value] : attachment.at("stats").items()) {
    const auto count = value.get<std::uint64_t>();
    const auto last = before.value(name, count);
    auto text = std::to_string(count);
    if (count > last) {
      text += fmt::format(" (+{})", count - last);
    }
    items.push_back({name, std::move(text), help.value(name, ""), count == 0});
  }
  return items;
}

/// Counters of that attachment at the last look, {} if there were none.
json counters_before(const json& attachment, const json& before) {
  const auto found = std::find_if(before.begin(), before.end(), [&](const json& other) {
    return other.at("link_id") == attachment.at("link_id");
  });
  return found != before.end() ? found->at("stats") : json::object();
}

std::string attachment_text(const json& attachment, const Look& look) {
  auto text =
      fmt::format("{} on {}\n", styled(attachment.at("name").get<std::string>(), "1", look.colors),
                  printable(attachment.at("cgroup").get<std::string>()));
  text += fmt::format(
      "  since {}, by {}, program {}, link {}\n",
      local_time(attachment.at("since").get<std::int64_t>()), attachment.value("origin", "hand"),
      attachment.at("prog_id").get<std::uint32_t>(), attachment.at("link_id").get<std::uint32_t>());
  if (attachment.contains("path_manager")) {
    text += fmt::format("  path manager {}\n", attachment.at("path_manager").get<std::string>());
  }
  if (attachment.contains("behind")) {
    text += styled(fmt::format("  behind {}, which claims sessions first\n",
                               attachment.at("behind").get<std::string>()),
                   "33", look.colors);
  }
  if (attachment.value("removed", false)) {
    text += styled(fmt::format("  its cgroup was removed and sockets of it live; tcpoptctl detach "
                               "{} --cgroup-id {}\n",
                               attachment.at("name").get<std::string>(),
                               attachment.at("cgroup_id").get<std::uint64_t>()),
                   "33", look.colors);
  }
  text += items_text("parameters", parameters(attachment), look.colors);
  text += items_text("counters", counters(attachment, counters_before(attachment, look.before)),
                     look.colors);
  std::vector<Item> others;
  for (const auto& other : attachment.at("others")) {
    others.push_back({printable(other.at("name").get<std::string>()),
                      fmt::format("program {}", other.at("id").get<std::uint32_t>()),
                      printable(other.at("cgroup").get<std::string>())});
  }
  return text + items_text("sock_ops programs of others that run here", others, look.colors);
}

}  // namespace

std::string fold(std::string_view text, std::size_t indent) {
  std::string folded;
  // So much for help texts at least, whatever stands before them.
  const auto width = std::max<std::size_t>(kColumns - std::min(indent, kColumns), 30);
  while (text.size() > width) {
    // Also lists have places to break at.
    auto end = text.find_last_of(" ,", width - 1);
    if (end == std::string_view::npos) {
      end = text.find_first_of(" ,");
    }
    if (end == std::string_view::npos) {
      break;
    }
    const auto kept = text[end] == ',' ? end + 1 : end;
    folded += std::string(text.substr(0, kept)) + '\n' + std::string(indent, ' ');
    text.remove_prefix(end + 1);
  }
  return folded.append(text);
}

std::string status_text(const json& attachments, const Look& look) {
  if (attachments.empty()) {
    return "nothing is attached\n";
  }
  std::string text;
  for (const auto& attachment : attachments) {
    text += (text.empty() ? "" : "\n") + attachment_text(attachment, look);
  }
  return text;
}

}  // namespace tcpopt
