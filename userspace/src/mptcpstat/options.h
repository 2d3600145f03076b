// SPDX-License-Identifier: GPL-2.0-or-later
// The options of a TCP segment, as far as mptcpstat looks at them: MPTCP's of
// RFC 8684 (version 1) and RFC 6824 (version 0), timestamps and SACK.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "mptcpstat/endpoint.h"
#include "mptcpstat/reader.h"

namespace tcpopt::mptcpstat {

struct MpCapable {
  std::uint8_t version = 0;
  bool checksum = false;      ///< A: the sender requires checksums
  bool no_join_here = false;  ///< C, version 1: no joins to this address and port
  std::optional<std::uint64_t> sender_key, receiver_key;
  std::optional<std::uint16_t> data_length, data_checksum;  ///< with the first data
};

struct MpJoin {
  enum class Step { Syn, SynAck, Ack } step = Step::Syn;
  bool backup = false;
  std::uint8_t address_id = 0;
  std::uint32_t token = 0, nonce = 0;
  std::array<std::uint8_t, 20> hmac{};  ///< 8 bytes of it in a SYN-ACK
};

struct DataMapping {
  std::uint64_t dsn = 0;
  bool dsn_is_64 = false;
  std::uint32_t ssn = 0;     ///< relative to the subflow's SYN
  std::uint16_t length = 0;  ///< with DATA_FIN; 0 is the infinite mapping
  std::optional<std::uint16_t> checksum;
};

struct Dss {
  bool data_fin = false;
  std::optional<std::uint64_t> ack;
  bool ack_is_64 = false;
  std::optional<DataMapping> mapping;
};

struct AddAddr {
  std::uint8_t address_id = 0;
  bool echo = false;
  Address address;
  std::optional<std::uint16_t> port;
  std::optional<std::uint64_t> hmac;
};

struct RemoveAddr {
  std::uint8_t count = 0;
  std::array<std::uint8_t, 37> ids{};
};

struct MpPrio {
  bool backup = false;
  std::optional<std::uint8_t> address_id;  ///< version 0
};

struct TcpRst {
  std::uint8_t flags = 0;  ///< U V W T
  std::uint8_t reason = 0;
  [[nodiscard]] bool transient() const { return (flags & 1) != 0; }
};

struct Timestamps {
  std::uint32_t value = 0, echo = 0;
};

struct TcpOptions {
  std::optional<Timestamps> timestamps;
  bool sack = false;  ///< blocks, not the permission
  std::optional<MpCapable> capable;
  std::optional<MpJoin> join;
  std::optional<Dss> dss;
  std::array<AddAddr, 4> add_addr;  ///< no more than this fit
  std::size_t add_addrs = 0;
  std::optional<RemoveAddr> remove_addr;
  std::optional<MpPrio> prio;
  std::optional<std::uint64_t> fail;       ///< data sequence number
  std::optional<std::uint64_t> fastclose;  ///< receiver's key
  std::optional<TcpRst> rst;
  bool mptcp = false;         ///< any MPTCP option, also one that is not understood
  unsigned malformed = 0;     ///< MPTCP options whose length fits no format
  unsigned experimental = 0;  ///< subtype 15
  unsigned unknown = 0;       ///< subtypes that no RFC assigns
  bool broken = false;        ///< the list of options itself
};

/// @param options may be cut off; what is whole is read
[[nodiscard]] TcpOptions parse_options(Bytes options, bool whole);

}  // namespace tcpopt::mptcpstat
