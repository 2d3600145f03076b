// SPDX-License-Identifier: GPL-2.0-or-later
// Algorithms of the kernel that programs name by ids, which are the same on all machines.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tcpopt {

enum class AlgorithmKind { CongestionControl, Scheduler };

struct Algorithm {
  std::uint32_t id = 0;
  std::string_view name;
};

/// All that have an id, of one kind.
struct Algorithms {
  AlgorithmKind kind;
  std::string_view type;             ///< of a parameter: tcpopt:type=TYPE
  std::string_view what;             ///< one of them, in messages
  std::span<const Algorithm> known;  ///< in order of their ids, from 1 on
  std::string_view absent_cure;      ///< if it lacks one that has an id; {} is its name
  std::string_view offered_by;       ///< file that names those that the kernel offers
  std::string_view cure;             ///< if it does not

  /// Null if it has no id.
  [[nodiscard]] const Algorithm* find(std::string_view name) const;
};

[[nodiscard]] const Algorithms& algorithms(AlgorithmKind kind);

/// Null: there is no parameter of that type.
[[nodiscard]] const Algorithms* find_algorithms(std::string_view type);
/// "type=a or type=b", for messages.
[[nodiscard]] std::string algorithm_types();

/// Names of those that the kernel offers, of each kind that was asked for.
using Offered = std::map<AlgorithmKind, std::vector<std::string>>;

/// Names of those that this kernel offers now; what is in a module that is not
/// loaded is not among them. Errors: the kernel does not say.
[[nodiscard]] Result<std::vector<std::string>> offered_algorithms(AlgorithmKind kind);

}  // namespace tcpopt
