// SPDX-License-Identifier: GPL-2.0-or-later
#include "sessions/session_json.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <tuple>

namespace tcpopt {

namespace {

using Record = tcpopt_subflow_record;

constexpr std::array<std::string_view, 13> kStates{
    "",       "established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2", "time-wait",
    "closed", "close-wait",  "last-ack", "listen",   "closing",    "syn-recv"};

/// RFC 8684, 3.6
constexpr std::array<std::string_view, 7> kReasons{
    "unspecified error",           "MPTCP-specific error",      "lack of resources",
    "administratively prohibited", "too much outstanding data", "unacceptable performance",
    "middlebox interference"};

template <std::size_t N>
std::string word(const std::array<std::string_view, N>& words, std::uint8_t number) {
  return number < N ? std::string(words.at(number)) : fmt::format("{}", number);
}

template <std::size_t N>
std::string name_of(const char (&name)[N]) {
  return {static_cast<const char*>(name), strnlen(static_cast<const char*>(name), N)};
}

std::string endpoint(std::uint8_t family, const __u8 (&address)[16], std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr ipv6{};
  std::memcpy(&ipv6, static_cast<const __u8*>(address), sizeof(ipv6));
  // A socket of IPv6 may have a connection of IPv4.
  const bool mapped = family != AF_INET && IN6_IS_ADDR_V4MAPPED(&ipv6);
  if (family == AF_INET || mapped) {
    inet_ntop(AF_INET, &address[mapped ? 12 : 0], text.data(), text.size());
    return fmt::format("{}:{}", text.data(), port);
  }
  inet_ntop(AF_INET6, &ipv6, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), port);
}

std::string manager_of(const Record& record) {
  if (record.manager[0] != '\0') {
    return name_of(record.manager);
  }
  return record.manager_type == 1 ? "userspace" : "in-kernel";
}

bool is_set(const Record& record, unsigned flag) { return (record.flags & flag) != 0; }

nlohmann::json subflow_json(const Record& record) {
  nlohmann::json subflow{{"local", endpoint(record.family, record.local, record.local_port)},
                         {"remote", endpoint(record.family, record.remote, record.remote_port)},
                         {"state", word(kStates, record.state)},
                         {"initial", is_set(record, TCPOPT_SUBFLOW_INITIAL)},
                         {"bytes_acked", record.sent},
                         {"bytes_received", record.received},
                         {"backup", is_set(record, TCPOPT_SUBFLOW_BACKUP)},
                         {"peer_backup", is_set(record, TCPOPT_SUBFLOW_PEER_BACKUP)},
                         {"stale", is_set(record, TCPOPT_SUBFLOW_STALE)}};
  if (record.rtt != 0) {
    subflow["rtt_us"] = record.rtt;
  }
  if (record.interface[0] != '\0') {
    subflow["interface"] = name_of(record.interface);
  }
  if (is_set(record, TCPOPT_SUBFLOW_RESET)) {
    subflow["reset"] = word(kReasons, record.reset_reason);
  }
  return subflow;
}

auto order(const Record& record) {
  return std::tuple(record.netns, record.token, record.session,
                    !is_set(record, TCPOPT_SUBFLOW_INITIAL), record.local_port, record.remote_port);
}

}  // namespace

void sort_subflows(std::vector<Record>& subflows) {
  std::sort(subflows.begin(), subflows.end(),
            [](const Record& left, const Record& right) { return order(left) < order(right); });
}

std::span<const Record> first_session(std::span<const Record> sorted) {
  const auto end = std::find_if(sorted.begin(), sorted.end(), [&](const Record& record) {
    return record.session != sorted.front().session;
  });
  return sorted.first(static_cast<std::size_t>(end - sorted.begin()));
}

std::string session_key(const Record& subflow) {
  // Those that are on their way out have no token any more.
  return fmt::format("{:016x}{:08x}{:016x}", subflow.netns, subflow.token,
                     subflow.token == 0 ? subflow.session : 0);
}

nlohmann::json session_json(std::span<const Record> session, const SessionPlace& place,
                            std::size_t most) {
  const auto& any = session.front();
  nlohmann::json shown{{"token", fmt::format("{:08x}", any.token)},
                       {"netns", {{"cookie", any.netns}, {"found_at", place.netns}}},
                       {"cgroup", place.cgroup},
                       {"cgroup_id", any.cgroup},
                       {"role", is_set(any, TCPOPT_SESSION_SERVER) ? "server" : "client"},
                       {"state", word(kStates, any.session_state)},
                       {"fallback", is_set(any, TCPOPT_SESSION_FALLBACK)},
                       {"path_manager", manager_of(any)},
                       {"bytes_sent", any.session_sent},
                       {"bytes_received", any.session_received},
                       {"subflows", nlohmann::json::array()}};
  if (any.scheduler[0] != '\0') {
    shown["scheduler"] = name_of(any.scheduler);
  }
  if (any.inode != 0) {
    shown["inode"] = any.inode;
  }
  if (is_set(any, TCPOPT_SESSION_INITIAL_ENDED)) {
    shown["ended"] = is_set(any, TCPOPT_SESSION_INITIAL_RESET)
                         ? "reset by the peer: " + word(kReasons, any.initial_reason)
                         : "not known";
  }
  for (const auto& record : session.first(std::min(most, session.size()))) {
    shown["subflows"].push_back(subflow_json(record));
  }
  if (session.size() > most) {
    shown["left_out"] = session.size() - most;
  }
  return shown;
}

}  // namespace tcpopt
