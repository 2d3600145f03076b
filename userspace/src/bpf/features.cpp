// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/features.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

namespace tcpopt {

namespace {

/// What the kernel says to "a|b".
struct Search {
  bool there = false;
  bool denied = false;
  std::vector<const Feature*> lacking;  // without those that we do not know
};

Search look_for(std::span<const Feature> features, std::string_view required) {
  Search search;
  for (const auto name : alternatives(required)) {
    const auto* feature = find_feature(features, name);
    if (feature == nullptr) {
      continue;
    }
    const auto support = feature->ask().support;
    search.there = search.there || support == Support::Yes;
    search.denied = search.denied || support == Support::Denied;
    if (support == Support::No) {
      search.lacking.push_back(feature);
    }
  }
  return search;
}

std::string joined(const std::vector<const Feature*>& features,
                   const std::function<std::string(const Feature&)>& text,
                   std::string_view separator) {
  std::vector<std::string> parts;
  parts.reserve(features.size());
  for (const auto* feature : features) {
    parts.push_back(text(*feature));
  }
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string described(const std::vector<const Feature*>& features) {
  return joined(
      features,
      [](const Feature& feature) { return fmt::format("{} ({})", feature.name, feature.what); },
      " and ");
}

std::string cure_for(const std::vector<const Feature*>& features) {
  if (features.size() == 1) {
    return fmt::format("{} brings it", features.front()->brought_by);
  }
  return joined(
      features,
      [](const Feature& feature) {
        return fmt::format("{} brings {}", feature.brought_by, feature.name);
      },
      ", or ");
}

}  // namespace

std::vector<Feature> that_remember(std::span<const Feature> features) {
  std::vector<Feature> remembering(features.begin(), features.end());
  for (auto& feature : remembering) {
    feature.ask = [ask = std::move(feature.ask), known = std::make_shared<Finding>()] {
      if (known->support != Support::Yes) {
        *known = ask();
      }
      return *known;
    };
  }
  return remembering;
}

const Feature* find_feature(std::span<const Feature> features, std::string_view name) {
  const auto found = std::find_if(features.begin(), features.end(),
                                  [name](const Feature& feature) { return feature.name == name; });
  return found == features.end() ? nullptr : &*found;
}

std::vector<std::string_view> alternatives(std::string_view required) {
  std::vector<std::string_view> names;
  for (std::size_t start = 0; start <= required.size();) {
    const auto end = std::min(required.find('|', start), required.size());
    names.push_back(required.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

Status check_required(std::span<const Feature> features, const std::vector<std::string>& required) {
  for (const auto& one : required) {
    const auto missing = look_for(features, one);
    if (missing.there) {
      continue;
    }
    if (missing.denied) {
      return fail("not permitted to load BPF programs", "run as root");
    }
    if (missing.lacking.empty()) {
      return fail(fmt::format("it requires '{}', which this tcpopt does not know", one),
                  "install the release that the program was written for");
    }
    return fail(fmt::format("this kernel lacks {}", described(missing.lacking)),
                cure_for(missing.lacking));
  }
  return {};
}

Status check_settings(std::span<const Feature> features, const Schema& schema,
                      const Settings& settings) {
  for (const auto& [key, text] : settings) {
    const auto* param = schema.find(key);
    if (param == nullptr || param->required.empty() || !differs_from_default(*param, text)) {
      continue;
    }
    const auto missing = look_for(features, param->required);
    if (!missing.there && !missing.denied && !missing.lacking.empty()) {
      std::string names = param->required;
      std::replace(names.begin(), names.end(), '|', '/');
      return fail(fmt::format("{}= needs {}, which this kernel lacks", key, names),
                  cure_for(missing.lacking));
    }
    if (auto offered = check_required(features, {param->required}); !offered) {
      return pass(offered, key);
    }
  }
  return {};
}

}  // namespace tcpopt
