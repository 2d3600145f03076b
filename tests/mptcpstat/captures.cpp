// SPDX-License-Identifier: GPL-2.0-or-later
#include "captures.h"

#include <algorithm>
#include <memory>
#include <ostream>

namespace tcpopt::mptcpstat::wire {

namespace {

Path path(int number, bool v6 = false) {
  const auto host = std::to_string(number);
  return {{at((v6 ? "fd00:1::" : "10.1.0.") + host, static_cast<std::uint16_t>(40'000 + number)),
           at(v6 ? "fd00:2::1" : "10.2.0.1", 443)}};
}

Data two_paths(int link_type, std::uint8_t version, bool v6, bool wide) {
  Pcap pcap{link_type};
  Talk talk{pcap, 0x1111, 0x2222, version};
  talk.wide = wide;
  talk.checksums = true;
  auto first = path(1, v6);
  auto second = path(2, v6);
  talk.capable(first, 0x81);
  talk.data(first, 0, 100);
  talk.join(second);
  for (int i = 0; i < 4; ++i) {
    talk.data(i % 2 != 0 ? first : second, 1, 1'000);
    talk.ack(i % 2 != 0 ? first : second, 0);
  }
  talk.data(first, 1, 1'000, 1);  // reinjected: it was sent on the second one
  talk.fins(second);
  talk.close(first);
  return pcap.take();
}

Data signals() {
  Pcap pcap;
  Talk talk{pcap, 0x3333, 0x4444};
  auto first = path(1);
  auto second = path(2);
  second.ends[1] = at("10.2.0.9", 443);
  talk.capable(first);
  talk.segment(first, 1, kAck, add_addr(at("10.2.0.9", 0), 2, talk.key(1), talk.key(0)));
  talk.segment(first, 0, kAck, add_addr_echo(at("10.2.0.9", 0), 2));
  talk.segment(first, 1, kAck, add_addr(at("fd00::9", 99), 3, talk.key(1), talk.key(0)));
  talk.join(second, 1, true, 2);
  talk.segment(second, 0, kAck, mp_prio(false));
  talk.segment(first, 1, kAck, remove_addr({2, 3}));
  talk.segment(first, 1, kAck, mp_fail(7));
  talk.rst(second, 1, mp_tcprst(3, true));
  talk.segment(first, 0, kRst | kAck, mp_fastclose(talk.key(1)));
  return pcap.take();
}

Data fallbacks() {
  Pcap pcap;
  Talk one{pcap, 0x5555, 0x6666};
  auto refused = path(3);
  one.segment(refused, 0, kSyn, mp_capable(1, 1, {}));
  one.segment(refused, 1, kSyn | kAck, {});
  one.segment(refused, 0, kAck, {});
  Talk two{pcap, 0x7777, 0x8888};
  auto infinite = path(4);
  two.capable(infinite);
  two.segment(infinite, 0, kAck, dss({.ack = 1, .dsn = two.idsn(0) + 1, .ssn = 1, .length = 0}),
              payload_of(1, 50));
  Talk three{pcap, 0x9999, 0xaaaa};
  auto stripped = path(5);
  three.segment(stripped, 0, kSyn, mp_capable(1, 1, {}));
  three.segment(stripped, 1, kSyn | kAck, mp_capable(1, 1, {three.key(1)}));
  three.segment(stripped, 0, kAck, {});
  three.segment(stripped, 0, kAck, {}, payload_of(1, 50));
  return pcap.take();
}

Data without_start(bool wide) {
  Pcap pcap{DLT_RAW};
  Talk talk{pcap, 0xbbbb, 0xcccc};
  talk.wide = wide;
  auto first = path(6);
  auto second = path(7);
  talk.join(second);
  for (int i = 0; i < 3; ++i) {
    talk.data(first, 0, 500);
    talk.data(second, 0, 500);
  }
  return pcap.take();
}

Data cut_off() {
  Pcap pcap{DLT_EN10MB, 70};
  Talk talk{pcap, 0xdddd, 0xeeee};
  auto first = path(8);
  talk.capable(first);
  talk.data(first, 0, 500);
  return pcap.take();
}

Data odd_frames() {
  Pcap pcap;
  const Tcp tcp{at("10.1.0.1", 1), at("10.2.0.1", 2), 1, 1, kAck, mp_prio(true), {}};
  auto whole = frame(DLT_EN10MB, tcp);
  Data vlan(whole.begin(), whole.begin() + 12);
  put(vlan, 0x81000001, 4);
  pcap.add(1, vlan + Data(whole.begin() + 12, whole.end()));
  auto fragment = whole;
  fragment[20] = 0x20;
  pcap.add(2, fragment);
  auto short_header = whole;
  short_header[46] = 0x10;
  pcap.add(3, short_header);
  auto long_packet = whole;
  long_packet[16] = 0xff;
  pcap.add(4, long_packet);
  const Tcp six{at("fd00::1", 1), at("fd00::2", 2), 1, 1, kAck, mp_prio(true), {}};
  auto extended = frame(DLT_EN10MB, six);
  extended[20] = 0;  // hop-by-hop options in front of TCP
  extended[19] = static_cast<std::uint8_t>(extended[19] + 8);
  extended.insert(extended.begin() + 54, {6, 0, 1, 4, 0, 0, 0, 0});
  pcap.add(5, extended);
  return pcap.take();
}

}  // namespace

std::vector<std::pair<std::string, Data>> captures() {
  return {{"two-paths", two_paths(DLT_EN10MB, 1, false, true)},
          {"two-paths-v0", two_paths(DLT_LINUX_SLL, 0, false, false)},
          {"two-paths-ipv6", two_paths(DLT_LINUX_SLL2, 1, true, true)},
          {"two-paths-null", two_paths(DLT_NULL, 1, true, false)},
          {"signals", signals()},
          {"fallbacks", fallbacks()},
          {"without-start", without_start(true)},
          {"without-start-32-bit", without_start(false)},
          {"cut-off", cut_off()},
          {"odd-frames", odd_frames()}};
}

void write_many(std::ostream& to, std::uint64_t frames) {
  constexpr std::uint64_t kSessions = 500;
  constexpr int kSubflows = 4;
  struct One {
    One(Pcap& pcap, std::uint64_t number) : talk(pcap, number * 2 + 1, number * 2 + 2) {}
    Talk talk;
    std::vector<Path> paths;
  };
  Pcap pcap{DLT_EN10MB, 128};
  const auto flush = [&] {
    const auto bytes = pcap.take();
    to.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  };
  std::vector<std::unique_ptr<One>> all;
  std::uint64_t written = 0;
  for (std::uint64_t i = 0; i < kSessions; ++i) {
    auto& one = *all.emplace_back(std::make_unique<One>(pcap, i));
    for (int j = 0; j < kSubflows; ++j) {
      const auto host = "10." + std::to_string(j) + "." + std::to_string(i / 250) + "." +
                        std::to_string(i % 250 + 1);
      one.paths.push_back({{at(host, 40'000), at("192.0.2.1", 443)}});
      one.talk.nonce[0] = static_cast<std::uint32_t>(i * kSubflows + static_cast<unsigned>(j));
      j == 0 ? one.talk.capable(one.paths[0])
             : one.talk.join(one.paths.back(), static_cast<std::uint8_t>(j));
      written += 4;
    }
  }
  for (std::uint64_t turn = 0; written < frames; ++turn) {
    for (auto& one : all) {
      auto& path = one->paths[turn % kSubflows];
      one->talk.data(path, 1, 1'400);
      one->talk.data(path, 1, 1'400);
      one->talk.ack(path, 0);
      written += 3;
      if (turn % 64 == 63) {
        // Once in a while the same data on the next path, and on this one.
        one->talk.data(one->paths[(turn + 1) % kSubflows], 1, 1'400,
                       one->talk.next_data[1] - 1'400);
        ++written;
      }
    }
    flush();
  }
  for (auto& one : all) {
    one->talk.close(one->paths[0]);
  }
  flush();
}

}  // namespace tcpopt::mptcpstat::wire
