// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/tell.h"

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

}  // namespace tcpopt
