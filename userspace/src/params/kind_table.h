// SPDX-License-Identifier: GPL-2.0-or-later
// Tables that have a row for each enumerator, found by its number.
#pragma once

#include <algorithm>
#include <cstddef>

namespace tcpopt {

/// Whether each row of @p table is at the place that its member `kind` numbers.
template <typename Table>
constexpr bool in_order_of_kind(const Table& table) {
  std::size_t place = 0;
  return std::all_of(table.begin(), table.end(), [&place](const auto& row) {
    return static_cast<std::size_t>(row.kind) == place++;
  });
}

}  // namespace tcpopt
