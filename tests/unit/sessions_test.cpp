// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "ctl/render_sessions.h"
#include "sessions/session_json.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

tcpopt_subflow_record record(std::uint32_t token, std::uint64_t session, unsigned flags = 0) {
  tcpopt_subflow_record made{};
  made.netns = 1;
  made.token = token;
  made.session = session;
  made.flags = static_cast<std::uint16_t>(flags);
  made.family = AF_INET;
  made.state = made.session_state = TCP_ESTABLISHED;
  made.local_port = 40000;
  made.remote_port = 443;
  const std::array<__u8, 4> local{10, 0, 0, 1};
  const std::array<__u8, 4> remote{192, 0, 2, 7};
  std::copy(local.begin(), local.end(), std::begin(made.local));
  std::copy(remote.begin(), remote.end(), std::begin(made.remote));
  return made;
}

nlohmann::json shown(const tcpopt_subflow_record& one) {
  return session_json(std::span(&one, 1), {"/cg/web", "pid 7"}, 8);
}

TEST(Sessions, SubflowsOfOneAreBesideEachOtherTheInitialOneFirst) {
  std::vector<tcpopt_subflow_record> all{record(2, 9), record(1, 8),
                                         record(2, 9, TCPOPT_SUBFLOW_INITIAL), record(1, 8)};
  sort_subflows(all);
  const auto first = first_session(all);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].token, 1U);
  const auto second = first_session(std::span<const tcpopt_subflow_record>(all).subspan(2));
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].flags, TCPOPT_SUBFLOW_INITIAL);
  EXPECT_LT(session_key(first[0]), session_key(second[0]));
  EXPECT_EQ(session_key(second[0]), session_key(second[1]));
}

TEST(Sessions, ThoseWithoutATokenAreNotTakenForOne) {
  std::vector<tcpopt_subflow_record> all{record(0, 9), record(0, 8)};
  sort_subflows(all);
  EXPECT_EQ(first_session(all).size(), 1U);
  EXPECT_LT(session_key(all[0]), session_key(all[1]));
}

TEST(Sessions, AddressesAreAsTheyAreWrittenWithPorts) {
  auto one = record(1, 1);
  EXPECT_EQ(shown(one)["subflows"][0]["local"], "10.0.0.1:40000");
  EXPECT_EQ(shown(one)["subflows"][0]["remote"], "192.0.2.7:443");
  one.family = AF_INET6;
  inet_pton(AF_INET6, "2001:db8::1", std::data(one.local));
  inet_pton(AF_INET6, "::ffff:10.0.0.9", std::data(one.remote));
  EXPECT_EQ(shown(one)["subflows"][0]["local"], "[2001:db8::1]:40000");
  EXPECT_EQ(shown(one)["subflows"][0]["remote"], "10.0.0.9:443");
}

TEST(Sessions, ThePathManagerIsTheOneThatTheSessionChose) {
  auto one = record(1, 1);
  EXPECT_EQ(shown(one)["path_manager"], "in-kernel");
  one.manager_type = 1;
  EXPECT_EQ(shown(one)["path_manager"], "userspace");
  std::memset(std::data(one.manager), 'x', sizeof(one.manager));  // without its NUL
  EXPECT_EQ(shown(one)["path_manager"], std::string(16, 'x'));
}

TEST(Sessions, WhatTheKernelHasNotIsLeftOut) {
  const auto bare = shown(record(0xa163c446, 1));
  EXPECT_EQ(bare["token"], "a163c446");
  for (const auto* key : {"scheduler", "inode", "ended", "left_out"}) {
    EXPECT_FALSE(bare.contains(key)) << key;
  }
  for (const auto* key : {"rtt_us", "interface", "reset"}) {
    EXPECT_FALSE(bare["subflows"][0].contains(key)) << key;
  }
  EXPECT_THAT(sessions_text(nlohmann::json::array({bare})),
              HasSubstr("  192.0.2.7:443  -    -    0 B"));
}

TEST(Sessions, WhyASubflowEnded) {
  auto one = record(1, 1, TCPOPT_SESSION_INITIAL_ENDED);
  EXPECT_EQ(shown(one)["ended"], "not known");
  one.flags |= TCPOPT_SESSION_INITIAL_RESET | TCPOPT_SUBFLOW_RESET;
  one.initial_reason = 3;
  one.reset_reason = 15;  // RFC 8684 has 0 to 6
  EXPECT_EQ(shown(one)["ended"], "reset by the peer: administratively prohibited");
  EXPECT_EQ(shown(one)["subflows"][0]["reset"], "15");
}

TEST(Sessions, MoreSubflowsThanAreShownAreCounted) {
  const std::vector<tcpopt_subflow_record> many(5, record(1, 1));
  const auto json = session_json(many, {}, 3);
  EXPECT_EQ(json["subflows"].size(), 3U);
  EXPECT_EQ(json["left_out"], 2);
  EXPECT_THAT(sessions_text(nlohmann::json::array({json})), HasSubstr("  and 2 more\n"));
}

TEST(Sessions, TheTextNamesAllOfASubflow) {
  auto one = record(0xa163c446, 1, TCPOPT_SUBFLOW_INITIAL | TCPOPT_SUBFLOW_PEER_BACKUP);
  one.rtt = 12345;
  one.sent = 1200;
  one.received = 37;
  std::memcpy(std::data(one.interface), "wlan0", 6);
  std::memcpy(std::data(one.scheduler), "default", 8);
  EXPECT_EQ(sessions_text(nlohmann::json::array({shown(one)})),
            "a163c446  client  established  path manager in-kernel  scheduler default\n"
            "  /cg/web  netns of pid 7\n"
            "  LOCAL           REMOTE         DEV    RTT      ACKED    RECEIVED  STATE\n"
            "  10.0.0.1:40000  192.0.2.7:443  wlan0  12.3 ms  1.20 kB  37 B      "
            "estab, initial, peer's backup\n");
  EXPECT_EQ(sessions_text(nlohmann::json::array()), "no MPTCP sessions\n");
}

TEST(Sessions, NamesOfCgroupsMoveNoCursor) {
  auto session = shown(record(1, 1));
  session["cgroup"] = "/cg/\x1b[2J";
  EXPECT_THAT(sessions_text(nlohmann::json::array({session})), HasSubstr("/cg/\\x1b[2J"));
  session["cgroup"] = "";
  session["cgroup_id"] = 77;
  EXPECT_THAT(sessions_text(nlohmann::json::array({session})),
              HasSubstr("a removed cgroup, id 77"));
}

TEST(Sessions, NumbersHaveThreeDigits) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.00 kB");
  EXPECT_EQ(bytes_text(99'960), "100 kB");
  EXPECT_EQ(bytes_text(999'600), "1.00 MB");
  EXPECT_EQ(time_text(12'345), "12.3 ms");
  EXPECT_EQ(time_text(12'000'000), "12.0 s");
  EXPECT_EQ(time_text(UINT64_MAX / 1000).substr(0, 5), "18446");
}

}  // namespace
}  // namespace tcpopt
