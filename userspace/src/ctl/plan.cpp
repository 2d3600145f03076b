// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/origin.h"
#include "ctl/render.h"

namespace tcpopt {

namespace {

using nlohmann::json;
using Key = std::pair<std::uint64_t, std::string>;  // cgroup and program

Step step_of(Step::What what, const Target& target) {
  Step step;
  step.what = what;
  step.program = target.wanted->program;
  step.cgroup = target.cgroup;
  step.cgroup_id = target.cgroup_id;
  step.force = target.wanted->force;
  return step;
}

Step step_of(Step::What what, const json& attachment) {
  Step step;
  step.what = what;
  step.program = attachment.at("name").get<std::string>();
  step.cgroup = attachment.at("cgroup").get<std::string>();
  step.cgroup_id = attachment.at("cgroup_id").get<std::uint64_t>();
  return step;
}

Step attaching(const Target& target) {
  auto step = step_of(Step::What::Attach, target);
  step.settings = target.wanted->settings;
  std::vector<std::string> words;
  for (const auto& [key, text] : step.settings) {
    words.push_back(fmt::format("{}={}", key, text));
  }
  step.note = fmt::format("{}", fmt::join(words, " "));
  return step;
}

/// Without settings: it is as it should be. What a list that was too long to be shown
/// has cannot be known, and is set.
Step changing(const Target& target, const json& attachment) {
  auto step = step_of(Step::What::Set, target);
  const auto& now = attachment.at("params");
  const auto shortened = attachment.value("shortened", json::object());
  std::vector<std::string> words;
  for (const auto& [key, value] : target.wanted->params.items()) {
    // One that another version of the program lacks is only missed if it was asked for.
    if (!now.contains(key) && !target.wanted->settings.contains(key)) {
      continue;
    }
    const auto old = now.value(key, json());
    if (old == value && !shortened.contains(key)) {
      continue;
    }
    step.settings.emplace(key, value_text(value));
    if (!old.is_null() && !shortened.contains(key)) {
      step.before.emplace(key, value_text(old));
    }
    words.push_back(
        fmt::format("{}={} -> {}", key, old.is_null() ? "" : value_text(old), value_text(value)));
  }
  step.note = fmt::format("{}", fmt::join(words, ", "));
  return step;
}

std::string sign(Step::What what) {
  switch (what) {
    case Step::What::Attach:
      return "+";
    case Step::What::Set:
      return "~";
    case Step::What::Detach:
      break;
  }
  return "-";
}

}  // namespace

Status add_target(std::vector<Target>& targets, Target target) {
  const auto other = std::find_if(targets.begin(), targets.end(), [&target](const Target& known) {
    return known.cgroup_id == target.cgroup_id && known.wanted->program == target.wanted->program;
  });
  if (other == targets.end()) {
    targets.push_back(std::move(target));
    return {};
  }
  const bool wild = target.wanted->pattern.has_wildcards();
  if (wild == other->wanted->pattern.has_wildcards()) {
    return fail(
        fmt::format("{}: cgroup: {} is wanted on {} at {} already", target.wanted->place.text(),
                    target.wanted->program, target.cgroup, other->wanted->place.text()),
        "have one of the two mean fewer cgroups, or leave it out");
  }
  if (!wild) {
    *other = std::move(target);
  }
  return {};
}

Plan make_plan(const std::vector<Target>& targets, const json& attachments) {
  std::map<Key, const json*> now;
  for (const auto& attachment : attachments) {
    now.emplace(Key{attachment.at("cgroup_id").get<std::uint64_t>(),
                    attachment.at("name").get<std::string>()},
                &attachment);
  }
  const auto is_by_hand = [](const json& attachment) {
    return attachment.value("origin", "") != to_string(Origin::Policy);
  };
  Plan plan;
  std::vector<Step> sets;
  std::map<Key, const Target*> wanted;
  for (const auto& target : targets) {
    const Key key{target.cgroup_id, target.wanted->program};
    wanted.emplace(key, &target);
    const auto found = now.find(key);
    if (found == now.end()) {
      plan.steps.push_back(attaching(target));
      continue;
    }
    if (is_by_hand(*found->second)) {
      continue;
    }
    if (auto step = changing(target, *found->second); !step.settings.empty()) {
      sets.push_back(std::move(step));
    } else {
      ++plan.unchanged;
    }
  }
  std::move(sets.begin(), sets.end(), std::back_inserter(plan.steps));
  for (const auto& [key, attachment] : now) {
    const auto target = wanted.find(key);
    if (is_by_hand(*attachment)) {
      plan.by_hand.push_back(step_of(Step::What::Set, *attachment));
      plan.by_hand.back().note =
          target == wanted.end() ? "by hand, stays"
                                 : fmt::format("by hand, stays as it is, though {} wants it, too",
                                               target->second->wanted->place.text());
    } else if (target == wanted.end() && !attachment->value("removed", false)) {
      plan.steps.push_back(step_of(Step::What::Detach, *attachment));
    }
  }
  return plan;
}

std::string plan_text(const Plan& plan) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& step : plan.steps) {
    rows.push_back({sign(step.what), step.program, printable(step.cgroup), printable(step.note)});
  }
  for (const auto& step : plan.by_hand) {
    rows.push_back({" ", step.program, printable(step.cgroup), printable(step.note)});
  }
  return table(rows);
}

}  // namespace tcpopt
