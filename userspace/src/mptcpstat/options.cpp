// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/options.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

namespace {

enum : std::uint8_t { kEnd = 0, kNop = 1, kSack = 5, kTimestamps = 8, kMptcp = 30 };
enum : std::uint8_t {
  kCapable,
  kJoin,
  kDss,
  kAddAddr,
  kRemoveAddr,
  kPrio,
  kFail,
  kFastclose,
  kTcpRst,
  kExperimental = 15
};

// Below, `value` starts at the byte with the subtype and length counts from the
// kind on, as the RFCs do.

bool parse_capable(Bytes value, TcpOptions& to) {
  const auto length = value.size() + 2;
  Reader reader{value};
  MpCapable capable;
  capable.version = reader.u8() & 0xf;
  const auto flags = reader.u8();
  capable.checksum = (flags & 0x80) != 0;
  capable.no_join_here = capable.version > 0 && (flags & 0x20) != 0;
  if (length != 4 && length != 12 && length != 20 && length != 22 && length != 24) {
    return false;
  }
  if (length >= 12) {
    capable.sender_key = reader.u64();
  }
  if (length >= 20) {
    capable.receiver_key = reader.u64();
  }
  if (length >= 22) {
    capable.data_length = reader.u16();
  }
  if (length == 24) {
    capable.data_checksum = reader.u16();
  }
  to.capable = capable;
  return true;
}

bool parse_join(Bytes value, TcpOptions& to) {
  Reader reader{value};
  MpJoin join;
  join.backup = (reader.u8() & 1) != 0;
  join.address_id = reader.u8();
  switch (value.size() + 2) {
    case 12:
      join.step = MpJoin::Step::Syn;
      join.token = reader.u32();
      join.nonce = reader.u32();
      break;
    case 16: {
      join.step = MpJoin::Step::SynAck;
      const auto hmac = reader.take(8);
      std::copy(hmac.begin(), hmac.end(), join.hmac.begin());
      join.nonce = reader.u32();
      break;
    }
    case 24: {
      join.step = MpJoin::Step::Ack;
      const auto hmac = reader.take(20);
      std::copy(hmac.begin(), hmac.end(), join.hmac.begin());
      break;
    }
    default:
      return false;
  }
  to.join = join;
  return true;
}

bool parse_dss(Bytes value, TcpOptions& to) {
  enum : std::uint8_t { kHasAck = 1, kAck8 = 2, kHasMapping = 4, kDsn8 = 8, kDataFin = 16 };
  Reader reader{value};
  reader.u8();
  const auto flags = reader.u8();
  Dss dss;
  dss.data_fin = (flags & kDataFin) != 0;
  if ((flags & kHasAck) != 0) {
    dss.ack_is_64 = (flags & kAck8) != 0;
    dss.ack = dss.ack_is_64 ? reader.u64() : reader.u32();
  }
  if ((flags & kHasMapping) != 0) {
    DataMapping mapping;
    mapping.dsn_is_64 = (flags & kDsn8) != 0;
    mapping.dsn = mapping.dsn_is_64 ? reader.u64() : reader.u32();
    mapping.ssn = reader.u32();
    mapping.length = reader.u16();
    if (reader.left() == 2) {
      mapping.checksum = reader.u16();
    }
    dss.mapping = mapping;
  }
  if (!reader.ok() || reader.left() != 0) {
    return false;
  }
  to.dss = dss;
  return true;
}

bool parse_add_addr(Bytes value, TcpOptions& to) {
  const auto length = value.size() + 2;
  Reader reader{value};
  // Version 0 has the IP version where version 1 has flags, of which one is assigned.
  const auto nibble = reader.u8() & 0xf;
  const bool version_0 = nibble == 4 || nibble == 6;
  AddAddr add;
  add.echo = !version_0 && (nibble & 1) != 0;
  add.address_id = reader.u8();
  // Version 0 got an HMAC in implementations, not in its RFC.
  const bool v6 = length >= 20;
  const std::size_t plain = v6 ? 20 : 8;
  const auto more = length - std::min(length, plain);
  if (length < 8 || (more != 0 && more != 2 && more != 8 && more != 10) ||
      (version_0 && (nibble == 6) != v6)) {
    return false;
  }
  add.address = Address::from(reader.take(v6 ? 16 : 4));
  if (more == 2 || more == 10) {
    add.port = reader.u16();
  }
  if (more >= 8) {
    add.hmac = reader.u64();
  }
  if (to.add_addrs == to.add_addr.size()) {
    return false;
  }
  to.add_addr.at(to.add_addrs++) = add;
  return true;
}

bool parse_remove_addr(Bytes value, TcpOptions& to) {
  RemoveAddr remove;
  const auto ids = value.subspan(1);
  if (ids.empty() || ids.size() > remove.ids.size()) {
    return false;
  }
  remove.count = static_cast<std::uint8_t>(ids.size());
  std::copy(ids.begin(), ids.end(), remove.ids.begin());
  to.remove_addr = remove;
  return true;
}

bool parse_prio(Bytes value, TcpOptions& to) {
  if (value.size() > 2) {
    return false;
  }
  MpPrio prio{(value[0] & 1) != 0, {}};
  if (value.size() == 2) {
    prio.address_id = value[1];
  }
  to.prio = prio;
  return true;
}

/// MP_FAIL and MP_FASTCLOSE: 12 bits reserved, 8 bytes.
bool parse_8_bytes(Bytes value, std::optional<std::uint64_t>& to) {
  if (value.size() != 10) {
    return false;
  }
  to = Reader{value.subspan(2)}.u64();
  return true;
}

bool parse_rst(Bytes value, TcpOptions& to) {
  if (value.size() != 2) {
    return false;
  }
  to.rst = TcpRst{static_cast<std::uint8_t>(value[0] & 0xf), value[1]};
  return true;
}

bool parse_mptcp(Bytes value, TcpOptions& to) {
  to.mptcp = true;
  if (value.empty()) {
    return false;
  }
  switch (value[0] >> 4) {
    case kCapable:
      return parse_capable(value, to);
    case kJoin:
      return parse_join(value, to);
    case kDss:
      return parse_dss(value, to);
    case kAddAddr:
      return parse_add_addr(value, to);
    case kRemoveAddr:
      return parse_remove_addr(value, to);
    case kPrio:
      return parse_prio(value, to);
    case kFail:
      return parse_8_bytes(value, to.fail);
    case kFastclose:
      return parse_8_bytes(value, to.fastclose);
    case kTcpRst:
      return parse_rst(value, to);
    case kExperimental:
      ++to.experimental;
      return true;
    default:
      ++to.unknown;
      return true;
  }
}

}  // namespace

TcpOptions parse_options(Bytes options, bool whole) {
  TcpOptions to;
  while (!options.empty() && options[0] != kEnd) {
    if (options[0] == kNop) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) {
      // Cut off by the capture, or a length that lies.
      to.broken = whole || (options.size() >= 2 && options[1] < 2);
      to.mptcp = to.mptcp || options[0] == kMptcp;
      break;
    }
    const auto value = options.subspan(2, options[1] - std::size_t{2});
    if (options[0] == kMptcp) {
      to.malformed += parse_mptcp(value, to) ? 0 : 1;
    } else if (options[0] == kTimestamps && value.size() == 8) {
      Reader reader{value};
      to.timestamps = Timestamps{reader.u32(), reader.u32()};
    } else if (options[0] == kSack && !value.empty()) {
      to.sack = true;
    }
    options = options.subspan(options[1]);
  }
  return to;
}

}  // namespace tcpopt::mptcpstat
