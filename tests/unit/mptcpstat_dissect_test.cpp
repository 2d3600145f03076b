// SPDX-License-Identifier: GPL-2.0-or-later
// Frames, options and what keys are digested to.
#include <gmock/gmock.h>

#include "mptcpstat/keys.h"
#include "mptcpstat_support.h"

namespace tcpopt::mptcpstat {

namespace {

using namespace wire;
using testing::ElementsAre;

constexpr std::array kLinkTypes{DLT_EN10MB,     DLT_RAW,  DLT_LINUX_SLL,
                                DLT_LINUX_SLL2, DLT_NULL, DLT_LOOP};

Tcp example(const char* from = "10.0.0.1", const char* to = "10.0.0.2") {
  return {at(from, 1'000), at(to, 2'000), 7, 9, kAck | kPsh, mp_prio(true), {1, 2, 3, 4, 5}};
}

Verdict verdict(const Data& frame, int link_type = DLT_EN10MB, std::uint32_t more = 0) {
  Segment segment;
  return dissect(link_type, frame, static_cast<std::uint32_t>(frame.size()) + more, segment);
}

TEST(MptcpstatDissect, EveryLinkTypeAndFamily) {
  for (const int type : kLinkTypes) {
    for (const auto& tcp : {example(), example("fd00::1", "fd00::2")}) {
      const auto bytes = frame(type, tcp);
      Segment segment;
      ASSERT_EQ(dissect(type, bytes, static_cast<std::uint32_t>(bytes.size()), segment),
                Verdict::Tcp)
          << type;
      EXPECT_EQ(segment.source, tcp.from);
      EXPECT_EQ(segment.destination, tcp.to);
      EXPECT_EQ(segment.seq, 7U);
      EXPECT_EQ(segment.ack, 9U);
      EXPECT_EQ(segment.length, 5U);
      EXPECT_THAT(segment.payload, ElementsAre(1, 2, 3, 4, 5));
      EXPECT_TRUE(parse_options(segment.options, segment.options_whole).prio);
    }
  }
  EXPECT_FALSE(knows_link_type(DLT_IEEE802_11));
}

TEST(MptcpstatDissect, PaddingIsNoPayload) {
  auto bytes = frame(DLT_EN10MB, example());
  bytes.resize(bytes.size() + 6);
  Segment segment;
  ASSERT_EQ(dissect(DLT_EN10MB, bytes, static_cast<std::uint32_t>(bytes.size()), segment),
            Verdict::Tcp);
  EXPECT_EQ(segment.length, 5U);
}

TEST(MptcpstatDissect, EveryTruncationIsAVerdict) {
  for (const int type : kLinkTypes) {
    for (const auto& tcp : {example(), example("fd00::1", "fd00::2")}) {
      const auto whole = frame(type, tcp);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        const Data part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        Segment segment;
        const auto seen = dissect(type, part, static_cast<std::uint32_t>(whole.size()), segment);
        const bool has_header = size + 5 + 4 >= whole.size();
        EXPECT_EQ(seen, has_header ? Verdict::Tcp : Verdict::Truncated) << type << " " << size;
        if (seen == Verdict::Tcp) {
          EXPECT_EQ(segment.length, 5U);
          EXPECT_EQ(segment.options_whole, size + 5 >= whole.size());
        }
      }
    }
  }
}

TEST(MptcpstatDissect, VlanTagsPppoeAndIpv6Extensions) {
  const auto plain = frame(DLT_EN10MB, example());
  for (const auto& tags : {Data{0x81, 0, 0, 1}, Data{0x88, 0xa8, 0, 1, 0x81, 0, 0, 2}}) {
    EXPECT_EQ(verdict(Data(plain.begin(), plain.begin() + 12) + tags +
                      Data(plain.begin() + 12, plain.end())),
              Verdict::Tcp);
  }
  EXPECT_EQ(verdict(Data(12) + Data{0x88, 0x64, 0x11, 0, 0, 1, 0, 47, 0, 0x21} +
                    Data(plain.begin() + 14, plain.end())),
            Verdict::Tcp);
  const auto six = frame(DLT_RAW, example("fd00::1", "fd00::2"));
  const auto with = [&six](std::uint8_t next, const Data& extension) {
    auto bytes = six;
    bytes[5] = static_cast<std::uint8_t>(bytes[5] + extension.size());
    bytes[6] = next;
    bytes.insert(bytes.begin() + 40, extension.begin(), extension.end());
    return verdict(bytes, DLT_RAW);
  };
  EXPECT_EQ(with(0, {60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}), Verdict::Tcp);
  EXPECT_EQ(with(44, {6, 0, 0, 0, 0, 0, 0, 1}), Verdict::Tcp) << "an atomic fragment";
  EXPECT_EQ(with(44, {6, 0, 0, 1, 0, 0, 0, 1}), Verdict::Fragment);
  EXPECT_EQ(with(44, {6, 0, 0, 8, 0, 0, 0, 1}), Verdict::Fragment);
  EXPECT_EQ(with(44, {17, 0, 0, 8, 0, 0, 0, 1}), Verdict::Other);
  EXPECT_EQ(with(0, {6, 0xff, 1, 4, 0, 0, 0, 0}), Verdict::Malformed);
  EXPECT_EQ(with(59, {}), Verdict::Other);
}

TEST(MptcpstatDissect, FragmentsAndLengthsThatLie) {
  auto bytes = frame(DLT_EN10MB, example());
  const auto changed = [&bytes](std::size_t place, std::uint8_t value) {
    auto copy = bytes;
    copy[place] = value;
    return verdict(copy);
  };
  EXPECT_EQ(changed(20, 0x20), Verdict::Fragment) << "more fragments";
  EXPECT_EQ(changed(21, 1), Verdict::Fragment) << "offset";
  EXPECT_EQ(changed(14, 0x44), Verdict::Malformed) << "IP header of 16 bytes";
  EXPECT_EQ(changed(16, 0xff), Verdict::Malformed) << "more than the frame";
  EXPECT_EQ(changed(46, 0x40), Verdict::Malformed) << "TCP header of 16 bytes";
  EXPECT_EQ(changed(46, 0xf0), Verdict::Malformed) << "TCP header longer than the packet";
  EXPECT_EQ(changed(23, 17), Verdict::Other);
  EXPECT_EQ(changed(12, 0x86), Verdict::Other);
}

TEST(MptcpstatDissect, LengthZeroIsThatOfTheFrame) {
  auto bytes = frame(DLT_RAW, example());
  bytes[2] = bytes[3] = 0;  // an offload has yet to cut it
  Segment segment;
  ASSERT_EQ(dissect(DLT_RAW, bytes, 100'000, segment), Verdict::Tcp);
  EXPECT_EQ(segment.length, 100'000U - 44);
}

TcpOptions parse(const Data& options) { return parse_options(options, true); }

TEST(MptcpstatOptions, EachIsRead) {
  const auto capable = parse(mp_capable(1, 0xa1, {1, 2})).capable;
  ASSERT_TRUE(capable);
  EXPECT_TRUE(capable->checksum && capable->no_join_here);
  EXPECT_EQ(capable->sender_key, 1U);
  EXPECT_EQ(capable->receiver_key, 2U);
  EXPECT_EQ(parse(mp_capable_data(1, 2, 99)).capable->data_length, 99);
  const auto join = parse(mp_join_syn(0xabcd, 0x1234, 7, true)).join;
  ASSERT_TRUE(join);
  EXPECT_TRUE(join->backup);
  EXPECT_EQ(join->token, 0xabcdU);
  EXPECT_EQ(join->nonce, 0x1234U);
  EXPECT_EQ(join->address_id, 7);
  for (const bool wide : {true, false}) {
    for (const int checksum : {-1, 0xbeef}) {
      const auto seen = parse(dss({.ack = 5,
                                   .dsn = 6,
                                   .ssn = 7,
                                   .length = 8,
                                   .wide = wide,
                                   .fin = true,
                                   .checksum = checksum}))
                            .dss;
      ASSERT_TRUE(seen && seen->mapping);
      EXPECT_TRUE(seen->data_fin);
      EXPECT_EQ(seen->ack, 5U);
      EXPECT_EQ(seen->mapping->dsn, 6U);
      EXPECT_EQ(seen->mapping->dsn_is_64, wide);
      EXPECT_EQ(seen->mapping->ssn, 7U);
      EXPECT_EQ(seen->mapping->length, 8);
      EXPECT_EQ(seen->mapping->checksum.value_or(0), checksum < 0 ? 0 : 0xbeef);
    }
  }
  for (const auto& endpoint :
       {at("10.0.0.9", 0), at("10.0.0.9", 80), at("fd00::9", 0), at("fd00::9", 80)}) {
    const auto adds = parse(add_addr(endpoint, 3, 1, 2));
    ASSERT_EQ(adds.add_addrs, 1U);
    EXPECT_EQ(adds.add_addr[0].address, endpoint.address);
    EXPECT_EQ(adds.add_addr[0].port.value_or(0), endpoint.port);
    EXPECT_TRUE(adds.add_addr[0].hmac && !adds.add_addr[0].echo);
    const auto echo = parse(add_addr_echo(endpoint, 3));
    EXPECT_TRUE(echo.add_addr[0].echo && !echo.add_addr[0].hmac);
    EXPECT_EQ(echo.add_addr[0].address, endpoint.address);
  }
  // Version 0 has the IP version where version 1 has flags.
  const auto old = parse({30, 10, 0x34, 5, 10, 0, 0, 9, 0, 80});
  ASSERT_EQ(old.add_addrs, 1U);
  EXPECT_FALSE(old.add_addr[0].echo);
  EXPECT_EQ(old.add_addr[0].port, 80);
  EXPECT_EQ(parse(remove_addr({4, 5, 6})).remove_addr->count, 3);
  EXPECT_FALSE(parse({30, 4, 0x50, 9}).prio->backup);
  EXPECT_EQ(parse({30, 4, 0x50, 9}).prio->address_id, 9);
  EXPECT_EQ(parse(mp_fail(77)).fail, 77U);
  EXPECT_EQ(parse(mp_fastclose(88)).fastclose, 88U);
  EXPECT_EQ(parse(mp_tcprst(3, true)).rst->reason, 3);
  EXPECT_TRUE(parse(mp_tcprst(3, true)).rst->transient());
  EXPECT_EQ(parse({30, 5, 0xf0, 1, 2}).experimental, 1U);
  EXPECT_EQ(parse({30, 5, 0xa0, 1, 2}).unknown, 1U);
  EXPECT_EQ(parse(timestamps(3, 4)).timestamps->echo, 4U);
}

TEST(MptcpstatOptions, EachLengthThatFitsNoFormatIsCounted) {
  for (int subtype = 0; subtype < 16; ++subtype) {
    for (std::size_t length = 2; length <= 40; ++length) {
      Data option(length);
      option[0] = 30;
      option[1] = static_cast<std::uint8_t>(length);
      if (length > 2) {
        option[2] = static_cast<std::uint8_t>(subtype << 4);
      }
      const auto seen = parse(option);
      EXPECT_TRUE(seen.mptcp);
      EXPECT_FALSE(seen.broken);
      const bool understood = seen.capable || seen.join || seen.dss || seen.add_addrs != 0 ||
                              seen.remove_addr || seen.prio || seen.fail || seen.fastclose ||
                              seen.rst || seen.experimental != 0 || seen.unknown != 0;
      EXPECT_EQ(seen.malformed, understood ? 0U : 1U) << subtype << " " << length;
    }
  }
  EXPECT_TRUE(parse({30}).broken);
  EXPECT_TRUE(parse({30, 1}).broken);
  EXPECT_TRUE(parse({30, 12, 0}).broken);
  EXPECT_FALSE(parse_options(Data{30, 12, 0}, false).broken) << "cut off by the capture";
  EXPECT_TRUE(parse_options(Data{30, 12, 0}, false).mptcp);
}

// As Python's hashlib and hmac have them.
TEST(MptcpstatKeys, AgreeWithAnotherImplementation) {
  constexpr std::uint64_t kA = 0x0123456789abcdef;
  constexpr std::uint64_t kB = 0xfedcba9876543210;
  EXPECT_EQ(digest_key(kA, 1).token, 0x55c53f5dU);
  EXPECT_EQ(digest_key(kA, 1).idsn, 0x570762cd38be9818U);
  EXPECT_EQ(digest_key(kA, 0).token, 0x0ca2eadbU);
  EXPECT_EQ(digest_key(kA, 0).idsn, 0xe3df8ee121f10547U);
  const auto begins = [](const std::array<std::uint8_t, 20>& hmac) { return Reader{hmac}.u64(); };
  EXPECT_EQ(begins(join_hmac(1, {kA, 0x11111111}, {kB, 0x22222222})), 0x47ea314b6243dcfbU);
  EXPECT_EQ(begins(join_hmac(0, {kA, 0x11111111}, {kB, 0x22222222})), 0xa74345b1176b0695U);
  AddAddr add;
  add.address_id = 3;
  add.address = at("10.0.0.9", 0).address;
  add.port = 80;
  EXPECT_EQ(add_addr_hmac(kA, kB, add), 0x6c01c72e56839f01U);
  add.address = at("fd00::9", 0).address;
  add.port.reset();
  EXPECT_EQ(add_addr_hmac(kA, kB, add), 0xc02c5163bccdd818U);
}

}  // namespace

}  // namespace tcpopt::mptcpstat
