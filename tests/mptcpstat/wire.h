// SPDX-License-Identifier: GPL-2.0-or-later
// Captures made by hand: frames, and MPTCP sessions on top of them. What the tests
// of mptcpstat read, and the seeds of its fuzzer.
#pragma once

#include <pcap/dlt.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mptcpstat/endpoint.h"
#include "mptcpstat/keys.h"
#include "mptcpstat/segment.h"

namespace tcpopt::mptcpstat::wire {

using Data = std::vector<std::uint8_t>;

void put(Data& to, std::uint64_t value, std::size_t size);
Data operator+(Data a, const Data& b);

/// "10.0.0.1" or "fd00::1"
Endpoint at(std::string_view address, std::uint16_t port);

// Options, whole, from their kind on.
Data timestamps(std::uint32_t value, std::uint32_t echo);
Data mp_capable(std::uint8_t version, std::uint8_t flags,
                std::initializer_list<std::uint64_t> keys);
Data mp_capable_data(std::uint64_t own, std::uint64_t peer, std::uint16_t length);
Data mp_join_syn(std::uint32_t token, std::uint32_t nonce, std::uint8_t id = 0,
                 bool backup = false);
Data mp_join_syn_ack(Bytes hmac, std::uint32_t nonce, std::uint8_t id = 0, bool backup = false);
Data mp_join_ack(Bytes hmac);
struct DssFields {
  std::uint64_t ack = 0, dsn = 0;
  std::uint32_t ssn = 0;
  std::uint16_t length = 0;
  bool mapping = true, wide = true, fin = false;
  int checksum = -1;  ///< none
};
Data dss(const DssFields& fields);
Data add_addr(const Endpoint& endpoint, std::uint8_t id, std::uint64_t own, std::uint64_t peer);
Data add_addr_echo(const Endpoint& endpoint, std::uint8_t id);
Data remove_addr(std::initializer_list<std::uint8_t> ids);
Data mp_prio(bool backup);
Data mp_fail(std::uint64_t dsn);
Data mp_fastclose(std::uint64_t key);
Data mp_tcprst(std::uint8_t reason, bool transient = false);

struct Tcp {
  Endpoint from, to;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = kAck;
  Data options, payload;
};

/// The frame of a segment, of a link type that mptcpstat knows.
Data frame(int link_type, const Tcp& tcp, std::uint16_t ip_id = 0);

/// A capture in the making; frames in the order in which they are added.
class Pcap {
 public:
  explicit Pcap(int link_type = DLT_EN10MB, std::uint32_t snaplen = 262'144);
  void add(Time time, const Data& frame);
  void add(Time time, const Tcp& tcp) { add(time, frame(link_type_, tcp, ++ip_id_)); }
  [[nodiscard]] const Data& bytes() const { return bytes_; }
  /// All but the header; further frames follow.
  Data take();

 private:
  int link_type_;
  std::uint32_t snaplen_;
  std::uint16_t ip_id_ = 0;
  Data bytes_;
};

/// A payload byte for each data sequence number, so that copies are equal.
Data payload_of(std::uint64_t dsn, std::size_t size);

/// One subflow's sequence numbers.
struct Path {
  Endpoint ends[2];
  std::uint32_t next[2]{1'000, 5'000};
  std::uint32_t isn[2]{1'000, 5'000};
  Time half = 5 * kMillisecond;  ///< from the place of the capture to the far end and back
};

/// A session whose segments go into a capture; time goes on by itself a little.
class Talk {
 public:
  Talk(Pcap& pcap, std::uint64_t key_0, std::uint64_t key_1, std::uint8_t version = 1);

  /// SYN, SYN-ACK, ACK; flags are those of MP_CAPABLE.
  void capable(Path& path, std::uint8_t flags = 1);
  void join(Path& path, std::uint8_t id = 1, bool backup = false, std::uint8_t server_id = 0);
  /// New data of that end, or what begins so many bytes after its IDSN again.
  void data(Path& path, int end, std::uint16_t size, std::uint64_t place = 0);
  void ack(Path& path, int end);
  void segment(Path& path, int end, std::uint8_t flags, const Data& options,
               const Data& payload = {});
  void data_fin(Path& path, int end);
  void fins(Path& path);
  void rst(Path& path, int end, const Data& options = {});
  /// All of it, in order.
  void close(Path& path);

  [[nodiscard]] std::uint32_t token(int end) const { return digest_[end].token; }
  [[nodiscard]] std::uint64_t idsn(int end) const { return digest_[end].idsn; }
  [[nodiscard]] std::uint64_t key(int end) const { return key_[end]; }

  Time now = 1'700'000'000 * kSecond;
  bool checksums = false, wide = true;
  std::uint64_t next_data[2]{1, 1};  ///< after the IDSN
  std::uint32_t nonce[2]{0x11111111, 0x22222222};

 private:
  [[nodiscard]] Data data_ack(int end) const;

  Pcap* pcap_;
  std::uint64_t key_[2];
  std::uint8_t version_;
  KeyDigest digest_[2];
};

}  // namespace tcpopt::mptcpstat::wire
