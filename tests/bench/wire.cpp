// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "bpf/option.h"
#include "connection.h"

namespace tcpopt::bench {

namespace {

constexpr std::array<std::uint8_t, BENCH_LENGTH> kOption{BENCH_KIND, BENCH_LENGTH, BENCH_VALUE >> 8,
                                                         BENCH_VALUE & 0xff};

constexpr std::array<std::uint8_t, BENCH_REQUEST_LENGTH> kRequest{BENCH_REQUEST};

/// How often @p option is in a header; -1 if something else than it and
/// timestamps is.
int count_option(std::span<const std::uint8_t> options, std::span<const std::uint8_t> option) {
  int found = 0;
  while (!options.empty() && options[0] != TCPOPT_EOL) {
    const std::size_t length = options[0] == TCPOPT_NOP ? 1 : options.size() >= 2 ? options[1] : 0;
    if (length == 0 || length > options.size()) {
      return -1;
    }
    if (length == option.size() && std::equal(option.begin(), option.end(), options.begin())) {
      found++;
    } else if (options[0] != TCPOPT_NOP && options[0] != TCPOPT_TIMESTAMP) {
      return -1;
    }
    options = options.subspan(length);
  }
  return found;
}

}  // namespace

Result<Wire> Wire::open() {
  // Of one protocol: such a socket sees what lo receives, but not also what it sends.
  UniqueFd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP)));
  if (!fd) {
    return fail_errno(errno, "packet socket", "run as root");
  }
  sockaddr_ll lo{};
  lo.sll_family = AF_PACKET;
  lo.sll_protocol = htons(ETH_P_IP);
  lo.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&lo), sizeof(lo)) != 0) {
    return fail_errno(errno, "bind the packet socket to lo");
  }
  return Wire(std::move(fd));
}

Status Wire::check_burst(std::uint16_t port, Option option) {
  const auto bytes = option == Option::First ? std::span<const std::uint8_t>(kRequest)
                                             : std::span<const std::uint8_t>(kOption);
  std::array<std::uint8_t, 128> packet{};
  int segments = 0;
  for (;;) {
    if (recv(fd_.get(), packet.data(), packet.size(), 0) < 0) {
      break;
    }
    iphdr ip{};
    std::memcpy(&ip, packet.data(), sizeof(ip));
    const std::size_t start = ip.ihl * 4UL;
    tcphdr tcp{};
    std::memcpy(&tcp, &packet.at(start), sizeof(tcp));
    const std::size_t header = tcp.doff * 4UL;
    const auto payload = ntohs(ip.tot_len) - static_cast<int>(start + header);
    if (ip.protocol != IPPROTO_TCP || ntohs(tcp.dest) != port || payload == 0) {
      continue;
    }
    segments++;
    if (payload != kPayload) {
      return fail(fmt::format("segment {} has {} bytes, not {}", segments, payload, kPayload));
    }
    const auto found =
        count_option(std::span(packet).subspan(start + sizeof(tcp), header - sizeof(tcp)), bytes);
    if (found < 0) {
      return fail(fmt::format("segment {} has an option that nobody was to write", segments));
    }
    const bool wanted = option == Option::Each || (option == Option::First && segments == 1);
    if (found != (wanted ? 1 : 0)) {
      return fail(fmt::format("segment {} has the option {} times", segments, found));
    }
  }
  if (segments != kBurst) {
    return fail(fmt::format("{} segments were sent, not {}", segments, kBurst));
  }
  return {};
}

}  // namespace tcpopt::bench
