// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/features.h"

#include <fmt/format.h>

#include <algorithm>

namespace tcpopt {

const Feature* find_feature(std::span<const Feature> features, std::string_view name) {
  const auto found = std::find_if(features.begin(), features.end(),
                                  [name](const Feature& feature) { return feature.name == name; });
  return found == features.end() ? nullptr : &*found;
}

Status check_required(std::span<const Feature> features, const std::vector<std::string>& required) {
  for (const auto& name : required) {
    const auto* feature = find_feature(features, name);
    if (feature == nullptr) {
      return fail(fmt::format("it requires '{}', which this tcpopt does not know", name),
                  "install the release that the program was written for");
    }
    const auto finding = feature->ask();
    if (finding.support == Support::Denied) {
      return fail("not permitted to load BPF programs", "run as root");
    }
    if (finding.support == Support::No) {
      return fail(fmt::format("this kernel lacks {} ({})", feature->name, feature->what),
                  fmt::format("{} brings it", feature->brought_by));
    }
  }
  return {};
}

}  // namespace tcpopt
