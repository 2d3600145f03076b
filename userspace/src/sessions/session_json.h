// SPDX-License-Identifier: GPL-2.0-or-later
// An MPTCP session as people and programs are shown it.
#pragma once

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <vector>

#include "subflow_record.h"

namespace tcpopt {

/// Where a session is; the kernel says it by numbers.
struct SessionPlace {
  std::string cgroup;  ///< its path; empty: it was removed
  std::string netns;   ///< see NetNamespace::found_at
};

/// Puts subflows of one session beside each other, its initial one first, and sessions in
/// the order of session_key().
void sort_subflows(std::vector<tcpopt_subflow_record>& subflows);

/// The first of @p sorted, with all others of its session.
[[nodiscard]] std::span<const tcpopt_subflow_record> first_session(
    std::span<const tcpopt_subflow_record> sorted);

/// Orders the sessions of a host; the same for one as long as its first subflow lasts.
[[nodiscard]] std::string session_key(const tcpopt_subflow_record& subflow);

/// {token (8 hexadecimal digits), netns: {cookie, found_at}, cgroup, cgroup_id, inode, role:
/// client|server, state, fallback, path_manager, scheduler, bytes_sent, bytes_received, ended:
/// why the initial subflow did, subflows: [{local, remote, interface, state, initial, rtt_us,
/// bytes_acked, bytes_received, backup, peer_backup, stale, reset: why}], left_out: how many}.
/// path_manager is the name that the session chose, "in-kernel" or "userspace". What the kernel has
/// not is left out.
/// @param session not empty; @param most subflows are shown
[[nodiscard]] nlohmann::json session_json(std::span<const tcpopt_subflow_record> session,
                                          const SessionPlace& place, std::size_t most);

}  // namespace tcpopt
