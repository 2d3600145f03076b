// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/render.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
#include <span>

#include "ipc/message.h"
#include "params/lists.h"

namespace tcpopt {

namespace {

using nlohmann::json;

std::string params_text(const json& attachment) {
  const auto shortened = attachment.value("shortened", json::object());
  const auto shown = attachment.value("shown", json::object());
  std::vector<std::string> parts;
  for (const auto& [name, value] : attachment.at("params").items()) {
    parts.push_back(fmt::format("{}={}", name, value_text(shown.value(name, value))));
    if (shortened.contains(name)) {
      parts.back() += fmt::format(",... ({})", shortened.at(name).get<std::size_t>());
    }
  }
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, " "));
}

/// "3 (1 backup) in 2 netns", "16, 2 left out"; "-" of a program that is told of none.
std::string addresses_text(const json& attachment) {
  const auto found = attachment.find("local_addrs");
  if (found == attachment.end()) {
    return "-";
  }
  const auto backups = found->at("backups").get<std::size_t>();
  const auto namespaces = found->at("namespaces").get<std::size_t>();
  const auto left_out = found->value("left_out", std::size_t{0});
  return fmt::format("{}{}{}{}", found->at("addresses").get<std::size_t>(),
                     backups != 0 ? fmt::format(" ({} backup)", backups) : "",
                     left_out != 0 ? fmt::format(", {} left out", left_out) : "",
                     namespaces != 1 ? fmt::format(" in {} netns", namespaces) : "");
}

/// With what makes it less than it seems.
std::string name_text(const json& attachment) {
  const auto name = attachment.at("name").get<std::string>();
  const auto behind = attachment.find("behind");
  return behind == attachment.end()
             ? name
             : fmt::format("{} (behind {})", name, behind->get<std::string>());
}

std::string_view type_text(const Param& param) {
  switch (param.kind) {
    case Kind::Bool:
      return "bool";
    case Kind::Enum:
      return "enum";
    case Kind::Text:
      return "text";
    case Kind::Integer:
      break;
  }
  return "integer";
}

json param_json(const Param& param) {
  json described{{"name", param.name},
                 {"type", type_text(param)},
                 {"unit", param.unit},
                 {"range", range_text(param)},
                 {"help", param.help}};
  if (param.default_text) {
    described["default"] = *param.default_text;
  }
  if (!param.required.empty()) {
    described["requires"] = param.required;
  }
  return described;
}

json list_param_json(const MapParam& param) {
  return {{"name", param.key},  {"type", list_kind(param.kind).name},
          {"unit", ""},         {"range", range_text(param)},
          {"help", param.help}, {"default", param.default_text}};
}

std::string default_note(std::string_view text) {
  return fmt::format("default {}", text.empty() ? "none" : text);
}

/// A table is no place for twenty choices; messages and JSON have them all.
std::string short_range(const Param& param) {
  constexpr std::size_t kShown = 4;
  if (param.kind != Kind::Enum || param.choices.size() <= kShown + 1) {
    return range_text(param);
  }
  std::string text;
  for (const auto& choice : std::span(param.choices).first(kShown)) {
    text += choice.first + '|';
  }
  return text + "...";
}

}  // namespace

std::string local_time(std::time_t seconds) {
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", parts);
}

std::string value_text(const json& value) {
  if (!value.is_array()) {
    return value.is_string() ? value.get<std::string>() : to_text(value);
  }
  std::vector<std::string> elements;
  std::transform(value.begin(), value.end(), std::back_inserter(elements), value_text);
  return fmt::format("{}", fmt::join(elements, ","));
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 < row.size() ? fmt::format("{:<{}}  ", row[i], widths[i]) : row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string list_text(const json& attachments) {
  std::vector<std::vector<std::string>> rows{{"NAME", "CGROUP", "SINCE", "BY"}};
  // Most programs have nothing to do with addresses.
  const bool with_addresses =
      std::any_of(attachments.begin(), attachments.end(),
                  [](const json& attachment) { return attachment.contains("local_addrs"); });
  if (with_addresses) {
    rows.front().emplace_back("ADDRESSES");
  }
  rows.front().emplace_back("PARAMS");
  for (const auto& attachment : attachments) {
    rows.push_back({name_text(attachment), printable(attachment.at("cgroup").get<std::string>()),
                    local_time(attachment.at("since")), attachment.value("origin", "hand")});
    if (with_addresses) {
      rows.back().push_back(addresses_text(attachment));
    }
    rows.back().push_back(params_text(attachment));
  }
  return table(rows);
}

std::string told_text(const std::string& name, const json& told) {
  if (!told.value("possible", false)) {
    return fmt::format("for new connections; {} has nothing that reaches live ones\n", name);
  }
  const auto count = told.value("namespaces", std::size_t{0});
  return fmt::format("told the live connections of {} network namespace{}\n", count,
                     count == 1 ? "" : "s");
}

std::string programs_text(const std::vector<Description>& programs) {
  std::string text;
  for (const auto& program : programs) {
    text += program.help.empty() ? fmt::format("{}\n", program.name)
                                 : fmt::format("{}: {}\n", program.name, program.help);
    std::vector<std::vector<std::string>> rows;
    const auto& schema = program.interface.schema;
    for (const auto& param : schema.params) {
      const auto initial = param.default_text ? default_note(*param.default_text) : "";
      const auto needs = param.required.empty() ? "" : fmt::format(" (needs {})", param.required);
      rows.push_back({"  " + param.name, short_range(param), initial, param.help + needs});
    }
    for (const auto& param : schema.maps) {
      rows.push_back(
          {"  " + param.key, range_text(param), default_note(param.default_text), param.help});
    }
    text += table(rows);
  }
  return text;
}

json programs_json(const std::vector<Description>& programs) {
  auto array = json::array();
  for (const auto& program : programs) {
    auto params = json::array();
    const auto& interface = program.interface;
    std::transform(interface.schema.params.begin(), interface.schema.params.end(),
                   std::back_inserter(params), param_json);
    std::transform(interface.schema.maps.begin(), interface.schema.maps.end(),
                   std::back_inserter(params), list_param_json);
    std::vector<std::string> counters;
    std::transform(interface.counters.begin(), interface.counters.end(),
                   std::back_inserter(counters),
                   [](const Counter& counter) { return counter.name; });
    array.push_back({{"name", program.name},
                     {"help", program.help},
                     {"requires", program.required},
                     {"params", params},
                     {"stats", counters}});
  }
  return array;
}

}  // namespace tcpopt
