// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/catalog.h"

#include <algorithm>

#include "bpf/program_dirs.h"

namespace tcpopt {

Result<const Description*> Catalog::find(const std::string& name) {
  auto known = read_.find(name);
  if (known == read_.end()) {
    auto description = find_program(directories_, name).and_then([](const ProgramFile& file) {
      return Object::open(file).map([](const Object& object) { return object.description(); });
    });
    known = read_.emplace(name, std::move(description)).first;
  }
  if (!known->second) {
    return tl::make_unexpected(known->second.error());
  }
  return &*known->second;
}

const Offered& Catalog::offered() {
  if (!offered_.empty()) {
    return offered_;
  }
  for (const auto kind : {AlgorithmKind::CongestionControl, AlgorithmKind::Scheduler}) {
    if (auto names = offered_algorithms(kind)) {
      offered_.emplace(kind, std::move(*names));
      continue;
    }
    auto& all = offered_[kind];
    for (const auto& one : algorithms(kind).known) {
      all.emplace_back(one.name);
    }
  }
  return offered_;
}

}  // namespace tcpopt
