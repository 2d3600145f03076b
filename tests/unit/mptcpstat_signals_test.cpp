// SPDX-License-Identifier: GPL-2.0-or-later
// What ends tell each other beside data, and how sessions end or fall back.
#include <gmock/gmock.h>

#include "mptcpstat_support.h"

namespace tcpopt::mptcpstat {

namespace {

using namespace wire;

struct MptcpstatSignals : testing::Test {
  Pcap pcap;
  Talk talk{pcap, 0x0123456789abcdef, 0xfedcba9876543210};
  Path first = path(1), second = path(2, "10.2.0.9");

  [[nodiscard]] nlohmann::ordered_json only() const {
    const auto all = seen(pcap.bytes()).sessions;
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  }
};

TEST_F(MptcpstatSignals, AnnouncedAddressIsJoined) {
  talk.capable(first);
  const auto announced = at("10.2.0.9", 0);
  for (int i = 0; i < 2; ++i) {
    talk.segment(first, 1, kAck, add_addr(announced, 2, talk.key(1), talk.key(0)));
  }
  talk.segment(first, 0, kAck, add_addr_echo(announced, 2));
  talk.segment(first, 1, kAck, add_addr(at("10.2.0.8", 99), 3, 1, 2));
  talk.join(second, 1, false, 2);
  talk.segment(first, 1, kAck, remove_addr({3}));
  const auto session = only();
  ASSERT_EQ(session["add_addr"].size(), 2U);
  const auto& used = session["add_addr"][0];
  EXPECT_EQ(used["address"], "10.2.0.9");
  EXPECT_EQ(used["by"], 1);
  EXPECT_EQ(used["times"], 2);
  EXPECT_EQ(used["echoed"], true);
  EXPECT_EQ(used["joined"], true);
  EXPECT_EQ(used["hmac"], "right");
  EXPECT_EQ(used["removed"], false);
  const auto& unused = session["add_addr"][1];
  EXPECT_EQ(unused["port"], 99);
  EXPECT_EQ(unused["echoed"], false);
  EXPECT_EQ(unused["joined"], false);
  EXPECT_EQ(unused["hmac"], "wrong");
  EXPECT_EQ(unused["removed"], true);
}

TEST_F(MptcpstatSignals, AnnouncedAddressIsJoinedThroughANat) {
  talk.capable(first);
  talk.segment(first, 1, kAck, add_addr(at("10.2.0.9", 0), 2, talk.key(1), talk.key(0)));
  auto translated = path(2, "192.0.2.77");
  talk.join(translated, 1, false, 2);
  EXPECT_EQ(only()["add_addr"][0]["joined"], true);
}

TEST_F(MptcpstatSignals, FullyEstablishedAndJoinAfterIt) {
  talk.capable(first);
  const auto then = talk.now - 100'000;
  talk.now += 30 * kMillisecond;
  const auto joined = talk.now;
  talk.join(second);
  const auto session = only();
  EXPECT_NEAR(session["fully_established_s"].get<double>(), static_cast<double>(then) / 1e9, 1e-6);
  EXPECT_NEAR(session["subflows"][1]["join_delay_after_established_s"].get<double>(),
              static_cast<double>(joined - then) / 1e9, 1e-6);
}

TEST_F(MptcpstatSignals, UnusedSubflowsAndWhy) {
  auto slow = path(3);
  slow.half = 50 * kMillisecond;
  auto quick = path(4);
  quick.half = kMillisecond;
  auto late = path(5);
  talk.capable(first);
  std::uint32_t nonce = 0;
  for (auto* joining : {&second, &slow, &quick}) {
    talk.nonce[0] = ++nonce;
    talk.join(*joining, 1, joining == &second);
  }
  talk.data(first, 1, 1'000);
  talk.nonce[0] = 99;
  talk.join(late);
  const auto session = only();
  const auto& subflows = session["subflows"];
  EXPECT_EQ(subflows[0]["unused"], "no");
  EXPECT_EQ(subflows[1]["unused"], "backup");
  EXPECT_EQ(subflows[2]["unused"], "slower");
  EXPECT_EQ(subflows[3]["unused"], "other");
  EXPECT_EQ(subflows[4]["unused"], "too-late");
}

TEST_F(MptcpstatSignals, JoinsThatFail) {
  talk.capable(first);
  auto unanswered = path(3);
  talk.segment(unanswered, 0, kSyn, mp_join_syn(talk.token(1), 1, 1));
  auto refused = path(4);
  talk.segment(refused, 0, kSyn, mp_join_syn(talk.token(1), 2, 2));
  talk.segment(refused, 1, kRst | kAck, mp_tcprst(3));
  auto stripped = path(5);
  talk.segment(stripped, 0, kSyn, mp_join_syn(talk.token(1), 3, 3));
  talk.segment(stripped, 1, kSyn | kAck, {});
  auto forged = path(6);
  talk.segment(forged, 0, kSyn, mp_join_syn(talk.token(1), 4, 4));
  talk.segment(forged, 1, kSyn | kAck, mp_join_syn_ack(Data(20), 5));
  const auto all = seen(pcap.bytes());
  const auto& subflows = all.sessions.at(0)["subflows"];
  EXPECT_EQ(subflows[1]["state"], "no-answer");
  EXPECT_EQ(subflows[2]["state"], "refused");
  EXPECT_EQ(subflows[2]["reset"]["reason_text"], "prohibited");
  EXPECT_EQ(subflows[3]["state"], "no-option");
  EXPECT_EQ(subflows[4]["state"], "half-open");
  EXPECT_EQ(subflows[4]["hmac"], "wrong");
  EXPECT_EQ(all.report["totals"]["joins_with_wrong_hmac"], 1);
  EXPECT_EQ(all.report["totals"]["resets_by_reason"]["prohibited"], 1);
}

TEST_F(MptcpstatSignals, ResetWithAReason) {
  talk.capable(first);
  talk.join(second);
  talk.rst(second, 1, mp_tcprst(2, true));
  const auto session = only();
  const auto& reset = session["subflows"][1]["reset"];
  EXPECT_EQ(reset["by"], 1);
  EXPECT_EQ(reset["reason_text"], "lack-of-resources");
  EXPECT_EQ(reset["transient"], true);
  EXPECT_EQ(session["ended"], "open") << "the other subflow is alive";
}

TEST_F(MptcpstatSignals, Fastclose) {
  talk.capable(first);
  talk.segment(first, 0, kRst | kAck, mp_fastclose(talk.key(1)));
  const auto session = only();
  EXPECT_EQ(session["ended"], "fastclose");
  EXPECT_EQ(session["ends"][0]["fastclose"], true);
  EXPECT_EQ(session["subflows"][0]["reset"]["with_fastclose"], true);
}

TEST_F(MptcpstatSignals, PriorityChanges) {
  talk.capable(first);
  talk.join(second);
  talk.segment(second, 1, kAck, mp_prio(true));
  const auto session = only();
  EXPECT_EQ(session["ends"][1]["mp_prio"], 1);
  EXPECT_EQ(session["subflows"][1]["ends"][1]["backup"], true);
  EXPECT_EQ(session["subflows"][1]["ends"][0]["backup"], false);
}

TEST_F(MptcpstatSignals, NoFallback) {
  talk.capable(first);
  talk.data(first, 0, 10);
  talk.data(first, 1, 10);
  talk.segment(first, 0, kAck, {}, payload_of(11, 20));  // covered by no mapping
  const auto session = only();
  EXPECT_EQ(session["fallback"], "no");
  EXPECT_EQ(session["ends"][0]["unmapped_bytes"], 20);
}

TEST_F(MptcpstatSignals, FallbackWithoutAnAnswer) {
  talk.segment(first, 0, kSyn, mp_capable(1, 1, {}));
  talk.segment(first, 1, kSyn | kAck, {});
  talk.segment(first, 0, kAck, {});
  talk.segment(first, 0, kAck, {}, payload_of(1, 100));
  talk.fins(first);
  const auto all = seen(pcap.bytes());
  ASSERT_EQ(all.sessions.size(), 1U);
  EXPECT_EQ(all.sessions[0]["fallback"], "no-option-in-syn-ack");
  EXPECT_EQ(all.sessions[0]["ended"], "closed");
  EXPECT_EQ(all.sessions[0]["ends"][0]["unmapped_bytes"], 100);
  EXPECT_EQ(all.report["totals"]["fallbacks"]["no-option-in-syn-ack"], 1);
}

TEST_F(MptcpstatSignals, FallbackWithARepeatedSyn) {
  talk.segment(first, 0, kSyn, mp_capable(1, 1, {}));
  first.next[0] = first.isn[0];
  talk.now += kSecond;
  talk.segment(first, 0, kSyn, {});
  talk.segment(first, 1, kSyn | kAck, {});
  talk.segment(first, 0, kAck, {});
  EXPECT_EQ(only()["fallback"], "plain-syn");
}

TEST_F(MptcpstatSignals, FallbackAfterTheHandshake) {
  talk.segment(first, 0, kSyn, mp_capable(1, 1, {}));
  talk.segment(first, 1, kSyn | kAck, mp_capable(1, 1, {talk.key(1)}));
  talk.segment(first, 0, kAck, {});
  EXPECT_EQ(only()["fallback"], "no-option-later");
  talk.rst(first, 0);
  EXPECT_EQ(only()["ended"], "reset");
}

TEST_F(MptcpstatSignals, FallbackByInfiniteMapping) {
  talk.capable(first);
  talk.segment(first, 1, kAck, dss({.ack = 1, .dsn = 1, .ssn = 1, .length = 0}), payload_of(1, 9));
  EXPECT_EQ(only()["fallback"], "infinite-mapping");
}

TEST_F(MptcpstatSignals, FallbackByMpFail) {
  talk.capable(first);
  talk.segment(first, 0, kAck, mp_fail(1));
  talk.segment(first, 1, kAck, dss({.ack = 1, .dsn = 1, .ssn = 1, .length = 0}), payload_of(1, 9));
  const auto session = only();
  EXPECT_EQ(session["fallback"], "mp-fail");
  EXPECT_EQ(session["ends"][0]["mp_fail"], 1);
}

TEST_F(MptcpstatSignals, FirstDataInMpCapable) {
  talk.segment(first, 0, kSyn, mp_capable(1, 1, {}));
  talk.segment(first, 1, kSyn | kAck, mp_capable(1, 1, {talk.key(1)}));
  talk.segment(first, 0, kAck, mp_capable(1, 1, {talk.key(0), talk.key(1)}));
  talk.segment(first, 0, kAck | kPsh, mp_capable_data(talk.key(0), talk.key(1), 300),
               payload_of(1, 300));
  const auto session = only();
  EXPECT_EQ(session["ends"][0]["data_bytes"], 300);
  EXPECT_EQ(session["ends"][0]["unmapped_bytes"], 0);
  EXPECT_EQ(session["fallback"], "no");
}

TEST_F(MptcpstatSignals, PlainConnectionsAreNoSessions) {
  talk.segment(first, 0, kSyn, timestamps(1, 2));
  talk.segment(first, 1, kSyn | kAck, timestamps(1, 2));
  talk.segment(first, 0, kAck, {}, payload_of(1, 100));
  const auto all = seen(pcap.bytes());
  EXPECT_EQ(all.sessions.size(), 0U);
  EXPECT_EQ(all.report["capture"]["plain_tcp_segments"], 3);
}

TEST_F(MptcpstatSignals, MalformedAndUnknownOptionsAreCounted) {
  talk.capable(first);
  talk.segment(first, 0, kAck, {30, 5, 0x00, 1, 2});
  talk.segment(first, 0, kAck, {30, 3, 0xb0});
  talk.segment(first, 0, kAck, {30, 3, 0xf0});
  const auto session = only();
  EXPECT_EQ(session["malformed_options"], 1);
  EXPECT_EQ(session["unknown_options"], 1);
  EXPECT_EQ(session["experimental_options"], 1);
}

}  // namespace

}  // namespace tcpopt::mptcpstat
