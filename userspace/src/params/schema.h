// SPDX-License-Identifier: GPL-2.0-or-later
// What can be set on a program, as the BTF of its `params` map says, and what it counts.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "params/list_kinds.h"
#include "params/number.h"

namespace tcpopt {

enum class Kind { Bool, Integer, Enum, Text };

/// One parameter: a member of the struct in the `params` map.
struct Param {
  std::string name;
  Kind kind = Kind::Integer;
  std::uint32_t offset = 0;  ///< bytes into the struct
  std::uint32_t size = 0;    ///< bytes; for Text including the terminating zero
  bool is_signed = false;
  /// Inclusive; of an Integer: from tcpopt:min and tcpopt:max, else what the type holds.
  Number min, max;
  std::optional<std::string> default_text;
  std::string unit;
  std::string help;
  std::vector<std::pair<std::string, Number>> choices;  ///< of an Enum
  /// Feature without which it cannot be other than its default; empty: none.
  std::string required;
};

/// Unit of a number that is shown, and may be given, in base 16.
inline constexpr std::string_view kHexUnit = "hex";

/// That one parameter must not be above another: tcpopt:rule=LOWER<=UPPER on the
/// struct, or LOWER<=UPPER|0 where an UPPER of 0 means something of its own.
struct Rule {
  std::string lower, upper;
  bool unless_zero = false;
};

/// A parameter that is a map of its own: a list, too long for the struct.
struct MapParam {
  std::string key;  ///< of the command line
  std::string map;  ///< name of the map
  MapKind kind = MapKind::Prefixes;
  std::uint32_t capacity = 0;  ///< entries that the map holds
  std::string help;
  std::string default_text;  ///< as a user types it
};

struct Schema {
  /// Bytes of the struct, which is the value size of the map; 0: there is no map.
  std::uint32_t size = 0;
  std::vector<Param> params;
  /// Where the u32 `_generation` is, which every change increments.
  std::optional<std::uint32_t> generation_offset;
  std::vector<MapParam> maps;
  std::vector<Rule> rules;

  [[nodiscard]] const Param* find(std::string_view name) const;
  [[nodiscard]] const MapParam* find_map(std::string_view key) const;
  /// "a, b, c", of both sorts, for messages.
  [[nodiscard]] std::string names() const;
};

/// Reads the struct @p type_id. Members whose name starts with "_" are the
/// program's own and left out, `_generation` is noted.
/// Errors, each naming the member: bitfields; types that cannot be set
/// (pointers, nested structs, arrays other than of char, floats); unknown or
/// contradictory tags; a default that its own range refuses; a rule about what is no
/// integer of the struct.
[[nodiscard]] Result<Schema> read_schema(const btf& types, std::uint32_t type_id);

/// A counter: a u64 member of the struct in the `stats` map.
struct Counter {
  std::string name;
  std::uint32_t offset = 0;  ///< bytes
  std::string help;
};

/// Errors: tags other than tcpopt:help; a member that is not an unsigned integer of 8 bytes.
[[nodiscard]] Result<std::vector<Counter>> read_counters(const btf& types, std::uint32_t type_id);

}  // namespace tcpopt
