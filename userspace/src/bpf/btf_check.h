// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>

#include "base/error.h"

namespace tcpopt {

/// Whether everything that the BTF in @p bytes refers to is there: strings, types, the
/// variables of sections. libbpf hands it out unchecked, and its functions return
/// NULL then where nobody expects it.
/// Errors: what is out of its bounds.
[[nodiscard]] Status check_types(std::span<const std::byte> bytes);

}  // namespace tcpopt
