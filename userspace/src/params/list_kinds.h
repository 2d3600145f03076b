// SPDX-License-Identifier: GPL-2.0-or-later
// The types of lists that a map of a program can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "params/algorithms.h"

namespace tcpopt {

enum class MapKind { Prefixes, Algorithms, Schedulers, Interfaces, AddressKinds };

/// Bytes of a key and of a value.
struct EntrySize {
  std::size_t key = 0;
  std::size_t value = 0;
};

struct ListKind {
  MapKind kind;
  std::string_view name;      ///< in the program's tag and for users
  std::uint32_t map_type;     ///< BPF_MAP_TYPE_*
  EntrySize size;             ///< as bpf-progs/tcpopt_param.h and tcpopt_addr.h have it
  std::string_view declared;  ///< what the map has to be: "an X of Y to Z"
  /// What its elements are; it has an entry for each that the kernel offers, and
  /// the list says which are allowed.
  std::optional<AlgorithmKind> algorithms = std::nullopt;
};

[[nodiscard]] const ListKind& list_kind(MapKind kind);
/// Null: there is none of that name.
[[nodiscard]] const ListKind* find_list_kind(std::string_view name);
/// "a, b or c", for messages.
[[nodiscard]] std::string list_kind_names();

}  // namespace tcpopt
