// SPDX-License-Identifier: GPL-2.0-or-later
// What tcpoptctl and tcpopt-loader say to each other: one JSON object each way.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/origin.h"
#include "params/value.h"

namespace tcpopt {

/// No message is longer, in bytes; longer ones are refused unread.
inline constexpr std::size_t kMaxMessage = 128UL * 1024;

enum class Command { Attach, Detach, Set, List, Cover, Sessions, Details };

/// What is to be on cgroups that appear, see cgroup_pattern.h.
struct CoverRule {
  std::string name;  ///< of the program
  std::string cgroup;
  Settings settings;
  bool force = false;

  NLOHMANN_DEFINE_TYPE_INTRUSIVE(CoverRule, name, cgroup, settings, force)
};

struct Request {
  Command command = Command::List;
  std::string name;    ///< of the program; of Details: of that one only, or empty
  std::string cgroup;  ///< its path, to show; the descriptor that comes along counts
  Settings settings;   ///< of Attach and Set
  std::string after;   ///< of List, Sessions and Details: "next" of the page before
  /// Of Detach, from a cgroup that was removed: no descriptor of it is left.
  std::uint64_t cgroup_id = 0;
  bool force = false;                 ///< of Attach: though it switches another program off
  std::vector<CoverRule> rules = {};  ///< of Cover, in place of those of before
  Origin origin = Origin::Hand;       ///< of Attach; kept with it, List has it
};

[[nodiscard]] std::string encode(const Request& request);

/// Errors: not JSON; another protocol; a field missing, of the wrong type or
/// one too many. Never throws, whatever the bytes.
[[nodiscard]] Result<Request> decode_request(std::string_view text);

/// An answer is a value or the error that tcpoptctl is to show.
using Reply = Result<nlohmann::json>;

[[nodiscard]] std::string encode(const Reply& reply);

/// Errors: the one inside; also when @p text is not a reply at all.
[[nodiscard]] Reply decode_reply(std::string_view text);

/// JSON text. Bytes that are not UTF-8, as paths may have them, are replaced.
[[nodiscard]] std::string to_text(const nlohmann::json& value, int indent = -1);

}  // namespace tcpopt
