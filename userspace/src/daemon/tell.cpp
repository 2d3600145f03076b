// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/tell.h"

#include <algorithm>
#include <utility>

#include "bpf/iterator.h"
#include "bpf/pinned.h"

namespace tcpopt {

std::vector<Error> run_iterator(const PinStore::Entry& pins,
                                std::span<const NetNamespace> namespaces) {
  if (!is_pinned(pins.iterator())) {
    return {};
  }
  const auto iterator = open_pin(pins.iterator()).and_then([](const UniqueFd& program) {
    return Iterator::create(program.get());
  });
  if (!iterator) {
    return {iterator.error()};
  }
  return run_inside(namespaces, [&iterator] { return iterator->run(); });
}

Told tell_connections(const PinStore::Entry& pins, const Cgroup& cgroup) {
  if (!is_pinned(pins.iterator())) {
    return {};
  }
  Told told{.possible = true, .namespaces = 0, .errors = {}};
  auto namespaces = namespaces_of(cgroup);
  if (!namespaces) {
    told.errors.push_back(std::move(namespaces.error()));
    return told;
  }
  told.errors = run_iterator(pins, namespaces->all);
  told.namespaces = namespaces->all.size() - std::min(told.errors.size(), namespaces->all.size());
  if (!namespaces->complete) {
    told.errors.push_back(std::move(namespaces->complete.error()));
  }
  if (told.errors.empty()) {
    PinStore::mark_told(pins, kUntoldParams);
  }
  return told;
}

}  // namespace tcpopt
