// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace tcpopt {

namespace {

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
      row.needed_by.emplace_back("tcpopt-loader");
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

Status verdict(std::span<const FeatureRow> rows) {
  if (std::any_of(rows.begin(), rows.end(),
                  [](const FeatureRow& row) { return row.finding.support == Support::Denied; })) {
    return fail("not permitted to load BPF programs, so this says little", "run as root");
  }
  std::vector<std::string_view> missing;
  std::set<std::string_view> stopped;
  for (const auto& row : rows) {
    if (row.finding.support == Support::No && !row.needed_by.empty()) {
      missing.push_back(row.feature.name);
      stopped.insert(row.needed_by.begin(), row.needed_by.end());
    }
  }
  if (missing.empty()) {
    return {};
  }
  return fail(fmt::format("this kernel lacks {}, without which {} cannot run",
                          fmt::join(missing, ", "), fmt::join(stopped, ", ")),
              "see above what brings it");
}

std::string check_text(std::span<const FeatureRow> rows) {
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
  return text;
}

nlohmann::json check_json(std::span<const FeatureRow> rows) {
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
  return array;
}

}  // namespace tcpopt
