// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tcpopt::mptcpstat::wire {

namespace {

constexpr std::uint8_t kMptcp = 30;

Data option(std::uint8_t kind, const Data& value) {
  Data whole{kind, static_cast<std::uint8_t>(value.size() + 2)};
  return std::move(whole) + value;
}

Data mptcp(std::uint8_t subtype, std::uint8_t nibble, const Data& rest) {
  return option(kMptcp, Data{static_cast<std::uint8_t>(subtype << 4 | nibble)} + rest);
}

Data number(std::uint64_t value, std::size_t size) {
  Data data;
  put(data, value, size);
  return data;
}

Data raw(const Address& address) {
  const auto& bytes = address.bytes;
  return {bytes.begin() + (address.is_v4() ? 12 : 0), bytes.end()};
}

void put_little(Data& to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

Data tcp_bytes(const Tcp& tcp) {
  auto options = tcp.options;
  while (options.size() % 4 != 0) {
    options.push_back(1);
  }
  Data bytes;
  put(bytes, tcp.from.port, 2);
  put(bytes, tcp.to.port, 2);
  put(bytes, tcp.seq, 4);
  put(bytes, tcp.ack, 4);
  put(bytes, (5 + options.size() / 4) << 4, 1);
  put(bytes, tcp.flags, 1);
  put(bytes, 65'535, 2);
  put(bytes, 0, 4);
  return std::move(bytes) + options + tcp.payload;
}

Data ip_bytes(const Tcp& tcp, std::uint16_t ip_id) {
  const auto rest = tcp_bytes(tcp);
  Data bytes;
  if (tcp.from.address.is_v4()) {
    put(bytes, 0x4500, 2);
    put(bytes, 20 + rest.size(), 2);
    put(bytes, ip_id, 2);
    put(bytes, 0x4000, 2);
    put(bytes, 64 << 8 | 6, 2);
    put(bytes, 0, 2);
  } else {
    put(bytes, 0x60000000, 4);
    put(bytes, rest.size(), 2);
    put(bytes, 6 << 8 | 64, 2);
  }
  return std::move(bytes) + raw(tcp.from.address) + raw(tcp.to.address) + rest;
}

/// As RFC 8684 has it in section 3.3.1, over the pseudo-header and the payload.
std::uint16_t checksum(const DssFields& fields, const Data& payload) {
  Data all = number(fields.dsn, 8) + number(fields.ssn, 4) + number(fields.length, 2) +
             number(0, 2) + payload;
  all.resize((all.size() + 1) & ~std::size_t{1});
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < all.size(); i += 2) {
    sum += static_cast<std::uint32_t>(all[i] << 8 | all[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

void put(Data& to, std::uint64_t value, std::size_t size) {
  for (auto shift = size * 8; shift > 0; shift -= 8) {
    to.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
  }
}

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Endpoint at(std::string_view address, std::uint16_t port) {
  const std::string text{address};
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    return {Address::from(Bytes{bytes}.first(4)), port};
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) {
    throw std::invalid_argument(text);
  }
  return {Address::from(bytes), port};
}

Data timestamps(std::uint32_t value, std::uint32_t echo) {
  return Data{1, 1} + option(8, number(value, 4) + number(echo, 4));
}

Data mp_capable(std::uint8_t version, std::uint8_t flags,
                std::initializer_list<std::uint64_t> keys) {
  Data rest{flags};
  for (const auto key : keys) {
    put(rest, key, 8);
  }
  return mptcp(0, version, rest);
}

Data mp_capable_data(std::uint64_t own, std::uint64_t peer, std::uint16_t length) {
  return mptcp(0, 1, Data{1} + number(own, 8) + number(peer, 8) + number(length, 2));
}

Data mp_join_syn(std::uint32_t token, std::uint32_t nonce, std::uint8_t id, bool backup) {
  return mptcp(1, backup ? 1 : 0, Data{id} + number(token, 4) + number(nonce, 4));
}

Data mp_join_syn_ack(Bytes hmac, std::uint32_t nonce, std::uint8_t id, bool backup) {
  return mptcp(1, backup ? 1 : 0,
               Data{id} + Data(hmac.begin(), hmac.begin() + 8) + number(nonce, 4));
}

Data mp_join_ack(Bytes hmac) {
  return mptcp(1, 0, Data{0} + Data(hmac.begin(), hmac.begin() + 20));
}

Data dss(const DssFields& fields) {
  const std::size_t wide = fields.wide ? 8 : 4;
  Data rest{static_cast<std::uint8_t>(1 | (fields.wide ? 2 : 0) | (fields.mapping ? 4 : 0) |
                                      (fields.mapping && fields.wide ? 8 : 0) |
                                      (fields.fin ? 16 : 0))};
  put(rest, fields.ack, wide);
  if (fields.mapping) {
    put(rest, fields.dsn, wide);
    put(rest, fields.ssn, 4);
    put(rest, fields.length, 2);
    if (fields.checksum >= 0) {
      put(rest, static_cast<std::uint64_t>(fields.checksum), 2);
    }
  }
  return mptcp(2, 0, rest);
}

Data add_addr(const Endpoint& endpoint, std::uint8_t id, std::uint64_t own, std::uint64_t peer) {
  AddAddr add;
  add.address_id = id;
  add.address = endpoint.address;
  Data rest = Data{id} + raw(endpoint.address);
  if (endpoint.port != 0) {
    add.port = endpoint.port;
    put(rest, endpoint.port, 2);
  }
  return mptcp(3, 0, rest + number(add_addr_hmac(own, peer, add), 8));
}

Data add_addr_echo(const Endpoint& endpoint, std::uint8_t id) {
  Data rest = Data{id} + raw(endpoint.address);
  if (endpoint.port != 0) {
    put(rest, endpoint.port, 2);
  }
  return mptcp(3, 1, rest);
}

Data remove_addr(std::initializer_list<std::uint8_t> ids) { return mptcp(4, 0, Data(ids)); }
Data mp_prio(bool backup) { return mptcp(5, backup ? 1 : 0, {}); }
Data mp_fail(std::uint64_t dsn) { return mptcp(6, 0, Data{0} + number(dsn, 8)); }
Data mp_fastclose(std::uint64_t key) { return mptcp(7, 0, Data{0} + number(key, 8)); }
Data mp_tcprst(std::uint8_t reason, bool transient) {
  return mptcp(8, transient ? 1 : 0, {reason});
}

Data frame(int link_type, const Tcp& tcp, std::uint16_t ip_id) {
  const std::uint16_t ethertype = tcp.from.address.is_v4() ? 0x0800 : 0x86dd;
  Data link;
  switch (link_type) {
    case DLT_EN10MB:
      link.resize(12);
      put(link, ethertype, 2);
      break;
    case DLT_LINUX_SLL:
      link.resize(14);
      put(link, ethertype, 2);
      break;
    case DLT_LINUX_SLL2:
      put(link, ethertype, 2);
      link.resize(20);
      break;
    case DLT_NULL:
    case DLT_LOOP:
      put(link, 2, 4);
      break;
    default:
      break;
  }
  return std::move(link) + ip_bytes(tcp, ip_id);
}

Pcap::Pcap(int link_type, std::uint32_t snaplen) : link_type_(link_type), snaplen_(snaplen) {
  // Files have a number of their own for raw IP.
  const int in_file = link_type == DLT_RAW ? 101 : link_type;
  put_little(bytes_, 0xa1b23c4d, 4);  // nanoseconds
  put_little(bytes_, 2, 2);
  put_little(bytes_, 4, 2);
  put_little(bytes_, 0, 8);
  put_little(bytes_, snaplen, 4);
  put_little(bytes_, static_cast<std::uint32_t>(in_file), 4);
}

void Pcap::add(Time time, const Data& frame) {
  const auto kept = std::min<std::size_t>(frame.size(), snaplen_);
  put_little(bytes_, static_cast<std::uint64_t>(time / kSecond), 4);
  put_little(bytes_, static_cast<std::uint64_t>(time % kSecond), 4);
  put_little(bytes_, kept, 4);
  put_little(bytes_, frame.size(), 4);
  bytes_.insert(bytes_.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(kept));
}

Data Pcap::take() { return std::exchange(bytes_, {}); }

Data payload_of(std::uint64_t dsn, std::size_t size) {
  Data data(size);
  for (std::size_t i = 0; i < size; ++i) {
    data[i] = static_cast<std::uint8_t>((dsn + i) * 7 >> 2);
  }
  return data;
}

Talk::Talk(Pcap& pcap, std::uint64_t key_0, std::uint64_t key_1, std::uint8_t version)
    : pcap_(&pcap),
      key_{key_0, key_1},
      version_(version),
      digest_{digest_key(key_0, version), digest_key(key_1, version)} {}

void Talk::segment(Path& path, int end, std::uint8_t flags, const Data& options,
                   const Data& payload) {
  auto& next = path.next[end];
  const bool has_ack = (flags & kAck) != 0;
  pcap_->add(now, Tcp{path.ends[end], path.ends[1 - end], next, has_ack ? path.next[1 - end] : 0,
                      flags, options, payload});
  next += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
  now += 100'000;
}

void Talk::capable(Path& path, std::uint8_t flags) {
  const Data syn = version_ == 0 ? mp_capable(0, flags, {key_[0]}) : mp_capable(1, flags, {});
  segment(path, 0, kSyn, syn);
  now += path.half;
  segment(path, 1, kSyn | kAck, mp_capable(version_, flags, {key_[1]}));
  now += path.half;
  segment(path, 0, kAck, mp_capable(version_, flags, {key_[0], key_[1]}));
  ack(path, 1);
}

void Talk::join(Path& path, std::uint8_t id, bool backup, std::uint8_t server_id) {
  const auto server = join_hmac(version_, {key_[1], nonce[1]}, {key_[0], nonce[0]});
  const auto client = join_hmac(version_, {key_[0], nonce[0]}, {key_[1], nonce[1]});
  segment(path, 0, kSyn, mp_join_syn(digest_[1].token, nonce[0], id, backup));
  now += path.half;
  segment(path, 1, kSyn | kAck, mp_join_syn_ack(server, nonce[1], server_id, backup));
  now += path.half;
  segment(path, 0, kAck, mp_join_ack(client));
  ack(path, 1);
}

Data Talk::data_ack(int end) const {
  return dss({.ack = digest_[1 - end].idsn + next_data[1 - end], .mapping = false, .wide = wide});
}

void Talk::data(Path& path, int end, std::uint16_t size, std::uint64_t place) {
  if (place == 0) {
    place = next_data[end];
    next_data[end] += size;
  }
  const auto payload = payload_of(place, size);
  DssFields fields{.ack = digest_[1 - end].idsn + next_data[1 - end],
                   .dsn = digest_[end].idsn + place,
                   .ssn = path.next[end] - path.isn[end],
                   .length = size,
                   .wide = wide};
  if (checksums) {
    fields.checksum = checksum(fields, payload);
  }
  segment(path, end, kAck | kPsh, dss(fields), payload);
}

void Talk::ack(Path& path, int end) { segment(path, end, kAck, data_ack(end)); }

void Talk::data_fin(Path& path, int end) {
  segment(path, end, kAck,
          dss({.ack = digest_[1 - end].idsn + next_data[1 - end],
               .dsn = digest_[end].idsn + next_data[end],
               .ssn = 0,
               .length = 1,
               .wide = wide,
               .fin = true}));
  ++next_data[end];
}

void Talk::fins(Path& path) {
  segment(path, 0, kFin | kAck, {});
  segment(path, 1, kFin | kAck, {});
  segment(path, 0, kAck, {});
}

void Talk::rst(Path& path, int end, const Data& options) {
  segment(path, end, kRst | kAck, options);
}

void Talk::close(Path& path) {
  data_fin(path, 0);
  data_fin(path, 1);
  ack(path, 0);
  ack(path, 1);
  fins(path);
}

}  // namespace tcpopt::mptcpstat::wire
