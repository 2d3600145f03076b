// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/names.h"

#include <array>

namespace tcpopt::mptcpstat {

namespace {

template <class Enum, std::size_t N>
std::string_view of(Enum value, const std::array<std::string_view, N>& names) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names.at(index) : "unknown";
}

}  // namespace

std::string_view name(Kind kind) {
  return of(kind, std::array<std::string_view, 3>{"initial", "join", "unknown"});
}

std::string_view name(SubflowState state) {
  return of(state, std::array<std::string_view, 5>{"no-answer", "half-open", "established",
                                                   "refused", "no-option"});
}

std::string_view name(HmacState state) {
  return of(state, std::array<std::string_view, 3>{"unknown", "right", "wrong"});
}

std::string_view name(Unused unused) {
  return of(unused, std::array<std::string_view, 5>{"no", "backup", "too-late", "slower", "other"});
}

std::string_view name(Fallback fallback) {
  return of(fallback,
            std::array<std::string_view, 6>{"no", "plain-syn", "no-option-in-syn-ack",
                                            "no-option-later", "infinite-mapping", "mp-fail"});
}

std::string_view name(End end) {
  return of(end, std::array<std::string_view, 7>{"open", "data-fin", "fastclose", "reset", "closed",
                                                 "idle", "evicted"});
}

std::string_view name(Cause cause) {
  return of(cause, std::array<std::string_view, kCauses>{"closing", "timeout", "loss", "early",
                                                         "acked", "unknown"});
}

std::string_view reset_reason(std::uint8_t reason) {
  return of(reason,
            std::array<std::string_view, 7>{"unspecified", "mptcp-error", "lack-of-resources",
                                            "prohibited", "too-much-outstanding-data",
                                            "unacceptable-performance", "middlebox-interference"});
}

}  // namespace tcpopt::mptcpstat
