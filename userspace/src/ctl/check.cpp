// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace tcpopt {

namespace {

constexpr std::string_view kDaemon = "tcpopt-loader";

std::string_view support_text(Support support) {
  switch (support) {
    case Support::Yes:
      return "yes";
    case Support::No:
      return "no";
    case Support::Denied:
      break;
  }
  return "denied";
}

/// How badly the programs need @p feature, given what the kernel offers.
void add_users(const std::vector<Description>& programs, const std::set<std::string_view>& offered,
               FeatureRow& row) {
  const auto names = [&row](const std::string& required) {
    const auto all = alternatives(required);
    return std::find(all.begin(), all.end(), row.feature.name) != all.end();
  };
  // With an alternative at hand, nothing stops for the lack of this one.
  const auto needs = [&](const std::string& required) {
    const auto all = alternatives(required);
    return names(required) &&
           (all.size() == 1 || std::none_of(all.begin(), all.end(), [&offered](auto name) {
              return offered.contains(name);
            }));
  };
  for (const auto& program : programs) {
    const auto& required = program.required;
    const auto& params = program.interface.schema.params;
    if (std::any_of(required.begin(), required.end(), needs)) {
      row.needed_by.push_back(program.name);
    } else if (std::any_of(required.begin(), required.end(), names) ||
               std::any_of(program.required_by_iterator.begin(), program.required_by_iterator.end(),
                           names) ||
               std::any_of(params.begin(), params.end(),
                           [&names](const Param& param) { return names(param.required); })) {
      row.wanted_by.push_back(program.name);
    }
  }
}

}  // namespace

std::vector<FeatureRow> find_out(std::span<const Feature> features,
                                 const std::vector<Description>& programs) {
  std::vector<FeatureRow> rows;
  std::set<std::string_view> offered;
  for (const auto& feature : features) {
    FeatureRow row{feature, feature.ask(), {}, {}};
    if (feature.name == "sockops" || feature.name == "cgroup-link") {
      row.needed_by.emplace_back(kDaemon);
    }
    if (row.finding.support == Support::Yes) {
      offered.insert(feature.name);
    }
    rows.push_back(std::move(row));
  }
  for (auto& row : rows) {
    add_users(programs, offered, row);
  }
  return rows;
}

std::vector<ProgramRow> judge(std::span<const FeatureRow> rows,
                              const std::vector<Description>& programs) {
  // The same answers, without asking again.
  std::vector<Feature> answered;
  for (const auto& row : rows) {
    answered.push_back(row.feature);
    answered.back().ask = [finding = row.finding] { return finding; };
  }
  std::vector<ProgramRow> judged;
  for (const auto& program : programs) {
    auto reaches = program.has_iterator ? check_required(answered, program.required_by_iterator)
                                        : Status(fail("it has nothing that reaches them"));
    judged.push_back(
        {program.name, check_required(answered, program.required), std::move(reaches)});
  }
  return judged;
}

Status verdict(std::span<const FeatureRow> rows, std::span<const ProgramRow> programs) {
  std::vector<std::string_view> missing;
  for (const auto& row : rows) {
    if (row.finding.support == Support::Denied) {
      return fail("not permitted to load BPF programs, so this says little", "run as root");
    }
    const bool by_daemon =
        std::find(row.needed_by.begin(), row.needed_by.end(), kDaemon) != row.needed_by.end();
    if (row.finding.support == Support::No && by_daemon) {
      missing.push_back(row.feature.name);
    }
  }
  if (!missing.empty()) {
    return fail(fmt::format("this kernel lacks {}, without which {} cannot run",
                            fmt::join(missing, ", "), kDaemon),
                "see above what brings it");
  }
  if (!programs.empty() && std::none_of(programs.begin(), programs.end(),
                                        [](const ProgramRow& row) { return bool{row.runs}; })) {
    return fail("none of the programs runs on this kernel", "see above what they lack");
  }
  return {};
}

std::string check_text(std::span<const FeatureRow> rows, std::span<const ProgramRow> programs) {
  std::string text;
  for (const auto& row : rows) {
    auto line = fmt::format("{:<6}  {:<18}  {}", support_text(row.finding.support),
                            row.feature.name, row.feature.what);
    if (row.finding.support == Support::No) {
      line += fmt::format("; {} brings it", row.feature.brought_by);
      if (!row.needed_by.empty()) {
        line += fmt::format(" (needed by {})", fmt::join(row.needed_by, ", "));
      } else if (!row.wanted_by.empty()) {
        line += fmt::format(" (used by {})", fmt::join(row.wanted_by, ", "));
      }
    }
    text += line + '\n';
  }
  for (const auto& program : programs) {
    text += fmt::format("{:<6}  {:<18}  {}\n", program.runs ? "runs" : "not", program.name,
                        !program.runs          ? program.runs.error().line()
                        : program.reaches_live ? "set reaches live connections"
                                               : fmt::format("set is for new connections: {}",
                                                             program.reaches_live.error().line()));
  }
  return text;
}

nlohmann::json check_json(std::span<const FeatureRow> rows, std::span<const ProgramRow> programs) {
  auto judged = nlohmann::json::array();
  for (const auto& program : programs) {
    judged.push_back({{"name", program.name},
                      {"runs", bool{program.runs}},
                      {"reaches_live", program.runs && program.reaches_live},
                      {"why", !program.runs          ? program.runs.error().line()
                              : program.reaches_live ? std::string()
                                                     : program.reaches_live.error().line()}});
  }
  auto array = nlohmann::json::array();
  for (const auto& row : rows) {
    array.push_back({{"name", row.feature.name},
                     {"available", row.finding.support == Support::Yes},
                     {"support", support_text(row.finding.support)},
                     {"what", row.feature.what},
                     {"brought_by", row.feature.brought_by},
                     {"detail", row.finding.detail},
                     {"needed_by", row.needed_by},
                     {"wanted_by", row.wanted_by}});
  }
  return {{"features", std::move(array)}, {"programs", std::move(judged)}};
}

}  // namespace tcpopt
