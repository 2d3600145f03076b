// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/message.h"
#include "sessions/session_json.h"
#include "sessions/session_walk.h"

namespace tcpopt {

/// The MPTCP sessions of all network namespaces that a process is in.
class SessionPages {
 public:
  /// Those behind @p after in the order of session_key(), or the first ones, as many as a
  /// message holds: {sessions: [see session_json()], next, warnings: what could not be looked
  /// at}. "next", if it is there, is @p after of the next page.
  /// They are read with the first page and kept until the last one.
  /// Errors: those of SessionWalk::load(); no cgroup v2 to find processes by.
  [[nodiscard]] Reply page(const std::string& after);

 private:
  struct Seen {
    std::vector<tcpopt_subflow_record> subflows;  ///< sorted
    std::map<std::uint64_t, std::string> netns;   ///< by cookie, see NetNamespace::found_at
    std::vector<std::string> warnings;
  };

  [[nodiscard]] Result<Seen> look();

  std::optional<SessionWalk> walk_;
  std::optional<Seen> seen_;
};

}  // namespace tcpopt
