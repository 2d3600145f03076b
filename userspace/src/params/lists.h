// SPDX-License-Identifier: GPL-2.0-or-later
// Parameters that are maps: from a list that a user types to entries, and back.
#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "params/algorithms.h"
#include "params/schema.h"
#include "params/value.h"

namespace tcpopt {

/// What is in a map: key and value as the kernel has them.
using Entries = std::map<Bytes, Bytes>;

/// All that is set on an attachment.
struct Values {
  Bytes scalars;                         ///< of the map `params`; empty without one
  std::map<std::string, Entries> lists;  ///< by name of the map
};

/// The entries for a comma-separated list; "" is an empty one.
/// Algorithms: there is an entry for each that the kernel offers, and the list
/// says which are allowed.
/// @param offered names of the algorithms that the kernel offers, of the kinds that count
/// Errors: what one element is and should be; one that is there twice; more than
/// the map holds; ::/0 and the like without 0.0.0.0/0, which it includes.
[[nodiscard]] Result<Entries> parse_list(const MapParam& param, std::string_view text,
                                         const Offered& offered);

/// Array of the elements as parse_list() takes them, in order.
[[nodiscard]] nlohmann::json to_json(const MapParam& param, const Entries& entries);

/// What a fresh attachment starts with: the defaults, then
/// @p settings. Errors: those of initial_value() and of parse_list().
[[nodiscard]] Result<Values> initial_values(const Schema& schema, const Settings& settings,
                                            const Offered& offered);

/// @p old with @p settings applied, all or none, and the next generation.
/// Errors: those of change() and of parse_list().
[[nodiscard]] Result<Values> change_values(const Schema& schema, Values old,
                                           const Settings& settings, const Offered& offered);

/// {"name": value, ...}, lists as arrays.
[[nodiscard]] nlohmann::json to_json(const Schema& schema, const Values& values);

/// What may be in it, as a user reads it.
[[nodiscard]] std::string range_text(const MapParam& param);

}  // namespace tcpopt
