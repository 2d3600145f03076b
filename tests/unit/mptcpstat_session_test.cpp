// SPDX-License-Identifier: GPL-2.0-or-later
// Sessions and their data, as mptcpstat sees them in captures that are made here.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "mptcpstat_support.h"

namespace tcpopt::mptcpstat {

namespace {

using namespace wire;

constexpr std::uint64_t kKey0 = 0x0123456789abcdef, kKey1 = 0xfedcba9876543210;

struct Session : testing::TestWithParam<std::tuple<std::uint8_t, bool>> {
  Pcap pcap;
  Talk talk{pcap, kKey0, kKey1, std::get<0>(GetParam())};
  Path first = path(1), second = path(2);

  Session() { talk.wide = std::get<1>(GetParam()); }
  [[nodiscard]] nlohmann::ordered_json only() const {
    const auto all = seen(pcap.bytes()).sessions;
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  }
};

// Version; DSS with 8 or 4 bytes.
INSTANTIATE_TEST_SUITE_P(Mptcpstat, Session,
                         testing::Combine(testing::Values(0, 1), testing::Bool()),
                         [](const auto& given) {
                           return std::string("v") + std::to_string(std::get<0>(given.param)) +
                                  (std::get<1>(given.param) ? "_64" : "_32");
                         });

TEST_P(Session, TwoSubflows) {
  talk.capable(first);
  talk.data(first, 0, 100);
  const auto start = talk.now;
  talk.now += 50 * kMillisecond;
  talk.join(second);
  talk.data(first, 1, 1'000);
  talk.ack(first, 0);
  talk.data(second, 1, 2'000);
  talk.ack(second, 0);
  talk.close(second);
  const auto session = only();
  EXPECT_EQ(session["version"], std::get<0>(GetParam()));
  EXPECT_EQ(session["ends"][0]["token"], fmt::format("{:08x}", talk.token(0)));
  EXPECT_EQ(session["ends"][1]["token"], fmt::format("{:08x}", talk.token(1)));
  EXPECT_EQ(session["ends"][0]["data_bytes"], 100);
  EXPECT_EQ(session["ends"][1]["data_bytes"], 3'000);
  EXPECT_EQ(session["ended"], "data-fin");
  EXPECT_EQ(session["fallback"], "no");
  EXPECT_EQ(session["subflows_established"], 2);
  const auto& initial = session["subflows"][0];
  const auto& join = session["subflows"][1];
  EXPECT_EQ(initial["kind"], "initial");
  EXPECT_EQ(join["kind"], "join");
  EXPECT_EQ(join["hmac"], "right");
  EXPECT_EQ(join["ends"][0]["address"], "10.1.0.2");
  EXPECT_EQ(join["ends"][0]["port"], 40'002);
  EXPECT_EQ(join["ends"][0]["address_id"], 1);
  EXPECT_EQ(join["ends"][1]["unique_bytes"], 2'000);
  EXPECT_EQ(initial["ends"][1]["unique_bytes"], 1'000);
  const double began = session["first_s"];
  EXPECT_NEAR(join["join_delay_s"].get<double>(), static_cast<double>(start) / 1e9 - began + 0.05,
              1e-6);
  EXPECT_NEAR(join["handshake_rtt_s"].get<double>(), 0.0102, 1e-6);
  EXPECT_EQ(join["unused"], "no");
  for (const auto& end : session["ends"]) {
    EXPECT_EQ(end["reinjections"], 0);
    EXPECT_EQ(end["unmapped_bytes"], 0);
    EXPECT_EQ(end["data_fin_acked"], true);
  }
}

TEST_P(Session, RttsAndTheirSpread) {
  second.half = 20 * kMillisecond;
  talk.capable(first);
  talk.join(second);
  for (auto* path : {&first, &second}) {
    for (int i = 0; i < 3; ++i) {
      talk.data(*path, 1, 500);
      talk.now += 2 * path->half;
      talk.ack(*path, 0);
    }
  }
  const auto session = only();
  EXPECT_NEAR(session["subflows"][0]["ends"][1]["rtt_to_other_end"]["avg_s"].get<double>(), 0.0101,
              1e-6);
  // The half without samples is that of the handshake.
  EXPECT_NEAR(session["subflows"][0]["rtt_s"].get<double>(), 0.0152, 1e-6);
  EXPECT_NEAR(session["rtt_spread_s"].get<double>(), 0.045, 1e-6);
}

TEST_P(Session, ReinjectionsAndTheirCauses) {
  talk.capable(first);
  talk.join(second);
  talk.data(first, 1, 1'000);      // at 1
  talk.data(second, 1, 1'000, 1);  // early
  talk.data(first, 1, 500);        // at 1001
  talk.now += 300 * kMillisecond;
  talk.data(second, 1, 500, 1'001);  // timeout
  talk.data(first, 1, 200);          // at 1501
  talk.ack(first, 0);
  talk.data(second, 1, 200, 1'501);  // acked
  talk.data(first, 1, 100);          // at 1701
  talk.rst(first, 0);
  talk.data(second, 1, 150, 1'651);  // 50 acked and reinjected, 100 closing
  const auto session = only();
  const auto& end = session["ends"][1];
  EXPECT_EQ(end["reinjections"], 4);
  EXPECT_EQ(end["reinjected_bytes"], 1'850);
  EXPECT_EQ(end["data_bytes"], 1'800);
  const auto& causes = end["reinjected_bytes_by_cause"];
  EXPECT_EQ(causes["early"], 1'000);
  EXPECT_EQ(causes["timeout"], 500);
  EXPECT_EQ(causes["acked"], 200);
  EXPECT_EQ(causes["closing"], 150);
}

TEST_P(Session, ReinjectionsAfterLoss) {
  talk.capable(first);
  talk.join(second);
  talk.data(first, 1, 1'000);
  // Duplicate ACKs of the subflow on which it was sent.
  first.next[1] -= 1'000;
  for (int i = 0; i < 4; ++i) {
    talk.segment(first, 0, kAck, dss({.ack = talk.idsn(1) + 1, .mapping = false}));
  }
  first.next[1] += 1'000;
  talk.data(second, 1, 1'000, 1);
  const auto session = only();
  EXPECT_EQ(session["ends"][1]["reinjected_bytes_by_cause"]["loss"], 1'000);
}

TEST_P(Session, ARetransmissionIsNoReinjection) {
  talk.capable(first);
  talk.join(second);
  talk.data(first, 1, 1'000);
  first.next[1] -= 1'000;
  talk.now += 400 * kMillisecond;
  talk.data(first, 1, 1'000, 1);
  // Nor is one of a reinjected segment another reinjection.
  talk.data(second, 1, 1'000, 1);
  second.next[1] -= 1'000;
  talk.data(second, 1, 1'000, 1);
  const auto session = only();
  EXPECT_EQ(session["ends"][1]["reinjections"], 1);
  EXPECT_EQ(session["ends"][1]["reinjected_bytes_by_cause"]["timeout"], 1'000);
  const auto& sent = session["subflows"][0]["ends"][1];
  EXPECT_EQ(sent["retransmissions"], 1);
  EXPECT_EQ(sent["retransmissions_after_timeout"], 1);
  EXPECT_EQ(sent["retransmitted_bytes"], 1'000);
  EXPECT_EQ(sent["unique_bytes"], 1'000);
  EXPECT_EQ(sent["payload_bytes"], 2'000);
  EXPECT_EQ(session["subflows"][1]["ends"][1]["retransmissions"], 1);
}

TEST_P(Session, ReorderingOfBothLevels) {
  talk.capable(first);
  talk.join(second);
  // Data is ahead on the second subflow.
  talk.next_data[1] += 1'000;
  talk.data(second, 1, 500);
  talk.data(first, 1, 1'000, 1);
  // And a segment overtakes another one on the first, too.
  first.next[1] += 100;
  talk.data(first, 1, 100);
  first.next[1] -= 200;
  talk.data(first, 1, 100);
  first.next[1] += 100;
  const auto session = only();
  EXPECT_EQ(session["ends"][1]["data_reordered"], 1);
  EXPECT_EQ(session["ends"][1]["data_reordered_bytes"], 1'000);
  EXPECT_EQ(session["ends"][1]["data_reordered_furthest_bytes"], 1'500);
  EXPECT_EQ(session["subflows"][0]["ends"][1]["reordered"], 1);
  EXPECT_EQ(session["subflows"][0]["ends"][1]["retransmissions"], 0);
  EXPECT_EQ(session["subflows"][1]["ends"][1]["reordered"], 0);
}

TEST_P(Session, AHoleThatIsFilledLateWasRetransmitted) {
  talk.capable(first);
  first.next[1] += 100;
  talk.data(first, 1, 100);
  first.next[1] -= 200;
  talk.now += 100 * kMillisecond;
  talk.data(first, 1, 100);
  const auto session = only();
  const auto& sent = session["subflows"][0]["ends"][1];
  EXPECT_EQ(sent["retransmissions"], 1);
  EXPECT_EQ(sent["retransmissions_of_lost_before_capture"], 1);
  EXPECT_EQ(sent["reordered"], 0);
}

TEST_P(Session, Checksums) {
  talk.checksums = true;
  talk.capable(first, 0x81);
  talk.data(first, 0, 101);
  talk.data(first, 0, 1'000);
  // One mapping for two segments, the first of odd length.
  const auto payload = payload_of(talk.next_data[0], 301);
  talk.data(first, 1, 10);
  auto session = only();
  EXPECT_EQ(session["checksums_used"], true);
  EXPECT_EQ(session["ends"][0]["checksums"]["right"], 2);
  EXPECT_EQ(session["ends"][1]["checksums"]["right"], 1);
  EXPECT_EQ(session["ends"][0]["checksums"]["wrong"], 0);
  talk.segment(first, 0, kAck,
               dss({.ack = 1,
                    .dsn = talk.idsn(0) + talk.next_data[0],
                    .ssn = first.next[0] - first.isn[0],
                    .length = 301,
                    .wide = talk.wide,
                    .checksum = 0x1234}),
               payload);
  session = only();
  EXPECT_EQ(session["ends"][0]["checksums"]["wrong"], 1);
}

TEST_P(Session, ChecksumOfAMappingOfSeveralSegments) {
  talk.checksums = true;
  talk.capable(first, 0x81);
  Pcap whole;
  Talk one{whole, kKey0, kKey1, std::get<0>(GetParam())};
  one.wide = talk.wide;
  one.checksums = true;
  auto copy = path(1);
  one.capable(copy, 0x81);
  whole.take();
  one.data(copy, 0, 1'001);
  // Cut into two segments as an offload does: the option is copied.
  const auto bytes = whole.take();
  const std::size_t frame_at = 16;
  const std::size_t header = bytes.size() - frame_at - 1'001;
  const Data frame(bytes.begin() + frame_at, bytes.begin() + static_cast<long>(frame_at + header));
  const Data options(frame.begin() + 54, frame.end());
  const auto payload = payload_of(1, 1'001);
  talk.segment(first, 0, kAck, options, Data(payload.begin(), payload.begin() + 333));
  talk.segment(first, 0, kAck, options, Data(payload.begin() + 333, payload.end()));
  const auto session = only();
  EXPECT_EQ(session["ends"][0]["checksums"]["right"], 1);
  EXPECT_EQ(session["ends"][0]["checksums"]["wrong"], 0);
  EXPECT_EQ(session["ends"][0]["data_bytes"], 1'001);
}

TEST_P(Session, WithoutItsStart) {
  talk.capable(first);
  pcap = Pcap{};
  talk.join(second);
  talk.data(second, 1, 300);
  auto third = path(3);
  talk.nonce[0] = 99;
  talk.join(third, 2);
  talk.data(third, 1, 400);
  const auto session = only();
  EXPECT_EQ(session["start_seen"], false);
  EXPECT_EQ(session["ends"][1]["token"], fmt::format("{:08x}", talk.token(1)));
  EXPECT_EQ(session["ends"][0]["token"], nullptr);
  EXPECT_EQ(session["subflows"].size(), 2U);
  EXPECT_EQ(session["ends"][1]["data_bytes"], 700);
  EXPECT_EQ(session["subflows"][0]["join_delay_s"], nullptr);
  EXPECT_EQ(session["subflows"][0]["hmac"], "unknown");
}

TEST_P(Session, InTheMidstOfASubflow) {
  talk.capable(first);
  talk.data(first, 0, 10);
  pcap = Pcap{};
  for (int i = 0; i < 3; ++i) {
    talk.data(first, 1, 400);
    talk.ack(first, 0);
  }
  const auto session = only();
  EXPECT_EQ(session["subflows"][0]["kind"], "unknown");
  EXPECT_EQ(session["subflows"][0]["ends"][1]["port"], 443) << "the lower one is the server's";
  EXPECT_EQ(session["ends"][1]["data_bytes"], 1'200);
  EXPECT_EQ(session["ends"][1]["unmapped_bytes"], 0);
  EXPECT_EQ(session["fallback"], "no");
}

TEST_P(Session, JoinsAreFoundThroughANat) {
  talk.capable(first);
  // Its client has another address by then, and so seems the server to have.
  auto translated = Path{{at("198.51.100.7", 1'234), at("192.0.2.9", 8'443)}};
  talk.join(translated);
  talk.data(translated, 0, 500);
  const auto session = only();
  EXPECT_EQ(session["subflows"].size(), 2U);
  EXPECT_EQ(session["subflows"][1]["hmac"], "right");
  EXPECT_EQ(session["subflows"][1]["ends"][0]["address"], "198.51.100.7");
}

TEST_P(Session, BothSidesOfANatAreOneSession) {
  // Each segment is seen before and after the NAT that changes the client's address.
  Pcap inside;
  Pcap outside;
  for (auto* one : {&inside, &outside}) {
    Talk copy{*one, kKey0, kKey1, std::get<0>(GetParam())};
    copy.wide = std::get<1>(GetParam());
    copy.now += one == &outside ? 20'000 : 0;
    const auto client = [one, &inside](int number) {
      return one == &inside ? path(number)
                            : Path{{at("198.51.100.1", static_cast<std::uint16_t>(number)),
                                    at("10.2.0.1", 443)}};
    };
    auto a = client(1);
    auto b = client(2);
    copy.capable(a);
    copy.join(b);
    copy.data(a, 0, 100);
    copy.data(b, 0, 200);
    copy.close(a);
  }
  // Frame by frame in turns; all of one size have the same place.
  const auto& x = inside.bytes();
  const auto& y = outside.bytes();
  ASSERT_EQ(x.size(), y.size());
  Data both(x.begin(), x.begin() + 24);
  for (std::size_t at = 24; at < x.size();) {
    const std::size_t size = 16 + (x[at + 8] | static_cast<std::size_t>(x[at + 9]) << 8);
    for (const auto* one : {&x, &y}) {
      both.insert(both.end(), one->begin() + static_cast<long>(at),
                  one->begin() + static_cast<long>(at + size));
    }
    at += size;
  }
  const auto all = seen(both);
  ASSERT_EQ(all.sessions.size(), 1U);
  const auto& session = all.sessions[0];
  EXPECT_EQ(session["subflows"].size(), 2U);
  EXPECT_EQ(session["ends"][0]["data_bytes"], 300);
  EXPECT_EQ(session["subflows"][0]["ends"][0]["retransmissions"], 0);
  EXPECT_GT(session["seen_elsewhere"], 5);
  EXPECT_EQ(session["seen_elsewhere_as"].size(), 2U);
  EXPECT_EQ(all.report["totals"]["sessions"], 1);
}

TEST_P(Session, TheSameFrameTwiceCountsOnce) {
  talk.capable(first);
  talk.data(first, 0, 100);
  const auto one = pcap.take();
  Data twice = one;
  // The last frame again, as bridges and "any" have it.
  std::size_t at = 24;
  std::size_t last = at;
  while (at < one.size()) {
    last = at;
    at += 16 + (one[at + 8] | static_cast<std::size_t>(one[at + 9]) << 8);
  }
  twice.insert(twice.end(), one.begin() + static_cast<long>(last), one.end());
  const auto session = seen(twice).sessions.at(0);
  EXPECT_EQ(session["subflows"][0]["ends"][0]["payload_bytes"], 100);
  EXPECT_EQ(session["subflows"][0]["ends"][0]["captured_twice"], 1);
}

TEST_P(Session, WhatTheCaptureMissedIsNotData) {
  talk.capable(first);
  talk.data(first, 0, 100);
  const auto before = pcap;
  talk.data(first, 0, 400);
  pcap = before;
  talk.data(first, 0, 100);
  talk.ack(first, 1);
  const auto session = only();
  EXPECT_EQ(session["subflows"][0]["ends"][0]["missed_bytes"], 400);
  EXPECT_EQ(session["ends"][0]["data_bytes"], 200);
}

TEST_P(Session, PortsThatAreUsedAgain) {
  talk.capable(first);
  talk.close(first);
  Talk next{pcap, 5, 6, std::get<0>(GetParam())};
  next.now = talk.now + kSecond;
  auto again = path(1);
  again.isn[0] = again.next[0] = 70'000;
  next.capable(again);
  const auto all = seen(pcap.bytes()).sessions;
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1]["ends"][1]["token"], fmt::format("{:08x}", next.token(1)));
}

TEST_P(Session, LimitsAreKeptAndCounted) {
  Limits limits;
  limits.sessions = 3;
  limits.subflows_of_session = 2;
  for (std::uint64_t i = 0; i < 10; ++i) {
    Talk one{pcap, 100 + i, 200 + i, std::get<0>(GetParam())};
    one.now = talk.now + static_cast<Time>(i) * kSecond;
    auto a = path(static_cast<int>(i) + 10);
    one.capable(a);
    for (int j = 0; j < 3; ++j) {
      auto b = path(static_cast<int>(i) * 3 + j + 50);
      one.nonce[0] = static_cast<std::uint32_t>(i * 3 + static_cast<std::uint64_t>(j));
      one.join(b);
    }
  }
  const auto all = seen(pcap.bytes(), limits);
  EXPECT_EQ(all.sessions.size(), 10U);
  EXPECT_EQ(all.sessions[0]["ended"], "evicted");
  EXPECT_EQ(all.sessions[9]["ended"], "open");
  EXPECT_EQ(all.sessions[9]["subflows_not_listed"], 2);
  EXPECT_EQ(all.report["limits_met"]["sessions_evicted"], 7);
}

TEST_P(Session, IsOverWhenIdle) {
  talk.capable(first);
  talk.now += 3'700 * kSecond;
  talk.segment(second, 0, kAck, {});
  talk.data(first, 0, 100);
  const auto all = seen(pcap.bytes()).sessions;
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["ended"], "idle");
  EXPECT_EQ(all[1]["start_seen"], false);
}

}  // namespace

}  // namespace tcpopt::mptcpstat
