// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/render.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>

#include "ipc/message.h"

namespace tcpopt {

namespace {

using nlohmann::json;

std::string local_time(std::time_t seconds) {
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", parts);
}

std::string value_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

std::string params_text(const json& params) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : params.items()) {
    parts.push_back(fmt::format("{}={}", name, value_text(value)));
  }
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, " "));
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
  return described;
}

}  // namespace

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
  std::vector<std::vector<std::string>> rows{{"NAME", "CGROUP", "SINCE", "PARAMS"}};
  for (const auto& attachment : attachments) {
    rows.push_back({attachment.at("name"), attachment.at("cgroup"),
                    local_time(attachment.at("since")), params_text(attachment.at("params"))});
  }
  return table(rows);
}

std::string programs_text(const std::vector<Description>& programs) {
  std::string text;
  for (const auto& program : programs) {
    text += program.help.empty() ? fmt::format("{}\n", program.name)
                                 : fmt::format("{}: {}\n", program.name, program.help);
    if (!program.params) {
      continue;
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& param : program.params->params) {
      const auto initial =
          param.default_text
              ? fmt::format("default {}",
                            param.default_text->empty() ? "none" : *param.default_text)
              : "";
      rows.push_back({"  " + param.name, range_text(param), initial, param.help});
    }
    text += table(rows);
  }
  return text;
}

json programs_json(const std::vector<Description>& programs) {
  auto array = json::array();
  for (const auto& program : programs) {
    auto params = json::array();
    if (program.params) {
      std::transform(program.params->params.begin(), program.params->params.end(),
                     std::back_inserter(params), param_json);
    }
    std::vector<std::string> counters;
    std::transform(program.counters.begin(), program.counters.end(), std::back_inserter(counters),
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
