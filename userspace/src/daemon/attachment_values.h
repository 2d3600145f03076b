// SPDX-License-Identifier: GPL-2.0-or-later
// The maps of an attachment with what they mean: its parameters and counters.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "base/error.h"
#include "bpf/object.h"
#include "bpf/parameter_maps.h"
#include "daemon/pin_store.h"
#include "params/algorithms.h"
#include "params/interface.h"

namespace tcpopt {

/// What its maps mean, as the object said when it was attached.
[[nodiscard]] Result<Interface> interface_of(const PinStore::Entry& pins);

/// A descriptor of its own of @p object's map of that name, which is loaded.
[[nodiscard]] Result<UniqueFd> map_of(const Object& object, const std::string& name);

[[nodiscard]] Result<ParameterMaps> parameter_maps(const PinStore::Entry& pins,
                                                   const Schema& schema);
/// The same of an object that is loaded and not pinned yet.
[[nodiscard]] Result<ParameterMaps> parameter_maps(const Object& object);

/// Names of the algorithms to choose from, of the kinds that @p schema has a use for.
[[nodiscard]] Result<Offered> offered_to(const Schema& schema);

/// Current values.
[[nodiscard]] Result<Values> values_of(const PinStore::Entry& pins, const Schema& schema);
[[nodiscard]] Result<nlohmann::json> stats_of(const PinStore::Entry& pins,
                                              const std::vector<Counter>& counters);

}  // namespace tcpopt
