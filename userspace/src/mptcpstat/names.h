// SPDX-License-Identifier: GPL-2.0-or-later
// The words of mptcpstat's output; --help explains them.
#pragma once

#include <cstdint>
#include <string_view>

#include "mptcpstat/session.h"

namespace tcpopt::mptcpstat {

[[nodiscard]] std::string_view name(Kind kind);
[[nodiscard]] std::string_view name(SubflowState state);
[[nodiscard]] std::string_view name(HmacState state);
[[nodiscard]] std::string_view name(Unused unused);
[[nodiscard]] std::string_view name(Fallback fallback);
[[nodiscard]] std::string_view name(End end);
[[nodiscard]] std::string_view name(Cause cause);
/// Of MP_TCPRST (RFC 8684, section 3.6).
[[nodiscard]] std::string_view reset_reason(std::uint8_t reason);

}  // namespace tcpopt::mptcpstat
