// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace tcpopt {

/// Who wants an attachment: somebody who typed it, or the policy that is written down.
enum class Origin { Hand, Policy };

[[nodiscard]] constexpr std::string_view to_string(Origin origin) {
  return origin == Origin::Policy ? "policy" : "hand";
}

}  // namespace tcpopt
