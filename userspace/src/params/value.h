// SPDX-License-Identifier: GPL-2.0-or-later
// From what a user types to the bytes of the `params` map, and back.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "params/schema.h"

namespace tcpopt {

using Bytes = std::vector<std::byte>;
/// key=value pairs as the user gave them.
using Settings = std::map<std::string, std::string>;

/// Splits "key=value" arguments. Errors: no "=", empty key, a key given twice.
[[nodiscard]] Result<Settings> parse_settings(const std::vector<std::string>& arguments);

/// Writes @p text into the bytes of @p param. Errors: not of its type; out of
/// range (says min, max and unit); no such choice (lists them); too long.
[[nodiscard]] Status store_text(const Param& param, std::string_view text, std::span<std::byte> to);

/// What a fresh attachment starts with: the defaults, then @p settings.
/// Errors: those of change(); a parameter with neither default nor setting
/// whose range excludes zero.
[[nodiscard]] Result<Bytes> initial_value(const Schema& schema, const Settings& settings);

/// @p old with those of @p settings applied that are in it, all or none; those
/// that are maps are left to lists.h. Errors: an unknown key (lists the known
/// ones), those of store_text(), and a rule of the schema that they break.
[[nodiscard]] Result<Bytes> change(const Schema& schema, Bytes old, const Settings& settings);

/// Whether what @p settings say of @p param is other than its default.
[[nodiscard]] bool differs_from_default(const Param& param, std::string_view text);

/// Increments `_generation`, if the program has one.
void next_generation(const Schema& schema, Bytes& value);

/// {"name": value, ...}; an enum by its enumerator's name where it has one.
[[nodiscard]] nlohmann::json to_json(const Schema& schema, std::span<const std::byte> value);

/// The same in the form in which it is given to `set`, of those that differ by it:
/// {"exid": "0x7464"}.
[[nodiscard]] nlohmann::json shown_json(const Schema& schema, std::span<const std::byte> value);

/// The range as a user reads it: "0..300 s", "on|off", "at most 15 characters".
[[nodiscard]] std::string range_text(const Param& param);

}  // namespace tcpopt
