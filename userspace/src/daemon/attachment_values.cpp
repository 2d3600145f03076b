// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/attachment_values.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "bpf/pinned.h"
#include "params/algorithms.h"

namespace tcpopt {

Result<Interface> interface_of(const PinStore::Entry& pins) {
  if (!is_pinned(pins.types())) {
    return fail("it was attached by an older tcpopt-loader", "detach it and attach it again");
  }
  auto types = open_pin(pins.types()).and_then(read_types);
  if (!types) {
    return pass(types);
  }
  return read_interface(**types);
}

Result<UniqueFd> map_of(const Object& object, const std::string& name) {
  for (const auto& map : object.maps()) {
    if (map.name == name) {
      UniqueFd fd(fcntl(map.fd.get(), F_DUPFD_CLOEXEC, 0));
      return fd ? Result<UniqueFd>(std::move(fd)) : fail_errno(errno, name);
    }
  }
  return fail(fmt::format("no map '{}'", name));
}

Result<ParameterMaps> parameter_maps(const PinStore::Entry& pins, const Schema& schema) {
  return ParameterMaps::open(schema,
                             [&pins](const std::string& name) { return open_pin(pins.map(name)); });
}

Result<ParameterMaps> parameter_maps(const Object& object) {
  return ParameterMaps::open(object.description().interface.schema,
                             [&object](const std::string& name) { return map_of(object, name); });
}

Result<Offered> offered_to(const Schema& schema) {
  Offered offered;
  for (const auto& param : schema.maps) {
    const auto kind = list_kind(param.kind).algorithms;
    if (!kind) {
      continue;
    }
    auto names = offered_algorithms(*kind);
    if (!names) {
      return pass(names);
    }
    offered.emplace(*kind, std::move(*names));
  }
  return offered;
}

Result<Values> values_of(const PinStore::Entry& pins, const Schema& schema) {
  return parameter_maps(pins, schema).and_then([](const ParameterMaps& maps) {
    return maps.read();
  });
}

Result<nlohmann::json> stats_of(const PinStore::Entry& pins, const std::vector<Counter>& counters) {
  if (counters.empty()) {
    return nlohmann::json::object();
  }
  return open_pin(pins.map("stats")).and_then([&counters](const UniqueFd& map) {
    return read_stats(map, counters);
  });
}

}  // namespace tcpopt
