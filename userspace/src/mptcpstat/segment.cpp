// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/segment.h"

#include <netinet/in.h>
#include <pcap/dlt.h>

#include <algorithm>
#include <array>

namespace tcpopt::mptcpstat {

namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd, kEtherPppoe = 0x8864;
constexpr std::array<std::uint16_t, 4> kEtherVlan{0x8100, 0x88a8, 0x9100, 0x9200};
constexpr std::uint16_t kPppIpv4 = 0x0021, kPppIpv6 = 0x0057;
// Of IPv6 headers in a row, so that a frame cannot keep us busy.
constexpr int kMaxExtensions = 16;
constexpr std::uint8_t kFragmentHeader = 44;

/// How many bytes there were on the wire from here on; 0 if the frame is shorter.
struct Frame {
  Bytes captured;
  std::uint32_t wire = 0;

  Bytes take(std::size_t count) {
    Reader reader{captured};
    const auto taken = reader.take(count);
    captured = captured.subspan(taken.size());
    wire -= static_cast<std::uint32_t>(std::min<std::size_t>(wire, count));
    return taken;
  }
};

Verdict tcp(Frame frame, Segment& segment) {
  if (frame.wire < 20) {
    return Verdict::Malformed;
  }
  Reader reader{frame.captured};
  segment.source.port = reader.u16();
  segment.destination.port = reader.u16();
  segment.seq = reader.u32();
  segment.ack = reader.u32();
  const std::uint32_t header = static_cast<std::uint32_t>(reader.u8() >> 4) * 4;
  segment.flags = reader.u8();
  segment.window = reader.u16();
  reader.take(4);
  if (!reader.ok()) {
    return Verdict::Truncated;
  }
  if (header < 20 || header > frame.wire) {
    return Verdict::Malformed;
  }
  segment.length = frame.wire - header;
  segment.options_whole = frame.captured.size() >= header;
  segment.options = reader.take(std::min<std::size_t>(header - 20, reader.left()));
  segment.payload = reader.take(std::min<std::size_t>(segment.length, reader.left()));
  return Verdict::Tcp;
}

/// Leaves what the IP header says belongs to the packet: frames are padded. 0 is
/// what a capture sees of a packet that an offload has yet to cut.
bool limit(Frame& frame, std::uint32_t length) {
  if (length == 0) {
    return true;
  }
  if (length > frame.wire) {
    return false;
  }
  frame.wire = length;
  frame.captured = frame.captured.first(std::min<std::size_t>(length, frame.captured.size()));
  return true;
}

Verdict ipv4(Frame frame, Segment& segment) {
  Reader reader{frame.captured};
  const std::uint8_t first = reader.u8();
  reader.u8();
  const std::uint32_t total = reader.u16();
  segment.ip_id = reader.u16();
  const std::uint16_t fragment = reader.u16();
  segment.ttl = reader.u8();
  const std::uint8_t protocol = reader.u8();
  reader.u16();
  segment.source.address = Address::from(reader.take(4));
  segment.destination.address = Address::from(reader.take(4));
  if (!reader.ok()) {
    return Verdict::Truncated;
  }
  const std::uint32_t header = static_cast<std::uint32_t>(first & 0xf) * 4;
  if (first >> 4 != 4 || header < 20 || (total != 0 && total < header) || !limit(frame, total)) {
    return Verdict::Malformed;
  }
  if (protocol != IPPROTO_TCP) {
    return Verdict::Other;
  }
  if ((fragment & 0x3fff) != 0) {  // an offset, or more to come
    return Verdict::Fragment;
  }
  frame.take(header);
  return tcp(frame, segment);
}

Verdict ipv6(Frame frame, Segment& segment) {
  Reader reader{frame.captured};
  const std::uint32_t first = reader.u32();
  const std::uint32_t length = reader.u16();
  std::uint8_t next = reader.u8();
  segment.ttl = reader.u8();
  segment.source.address = Address::from(reader.take(16));
  segment.destination.address = Address::from(reader.take(16));
  if (!reader.ok()) {
    return Verdict::Truncated;
  }
  // 0 may be a jumbogram, too (RFC 2675): the frame tells its length.
  if (first >> 28 != 6 || !limit(frame, length == 0 ? 0 : length + 40)) {
    return Verdict::Malformed;
  }
  frame.take(40);
  segment.ip_id = 0;
  for (int count = 0; count < kMaxExtensions; ++count) {
    if (next == IPPROTO_TCP) {
      return tcp(frame, segment);
    }
    if (next == kFragmentHeader) {
      // A whole packet can have one, too (RFC 6946).
      Reader extension{frame.take(8)};
      next = extension.u8();
      extension.u8();
      const std::uint16_t place = extension.u16();
      if (!extension.ok()) {
        return Verdict::Truncated;
      }
      if ((place & 0xfff9) != 0) {
        return next == IPPROTO_TCP ? Verdict::Fragment : Verdict::Other;
      }
      continue;
    }
    if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
        next != IPPROTO_AH && next != IPPROTO_MH) {
      return Verdict::Other;
    }
    Reader extension{frame.captured};
    const std::uint8_t after = extension.u8();
    const std::size_t units = extension.u8();
    if (!extension.ok()) {
      return Verdict::Truncated;
    }
    const std::size_t size = next == IPPROTO_AH ? (units + 2) * 4 : (units + 1) * 8;
    if (size > frame.wire) {
      return Verdict::Malformed;
    }
    frame.take(size);
    next = after;
  }
  return Verdict::Malformed;
}

Verdict by_version(Frame frame, Segment& segment) {
  if (frame.captured.empty()) {
    return Verdict::Truncated;
  }
  switch (frame.captured[0] >> 4) {
    case 4:
      return ipv4(frame, segment);
    case 6:
      return ipv6(frame, segment);
    default:
      return Verdict::Other;
  }
}

Verdict by_ethertype(std::uint16_t type, Frame frame, Segment& segment) {
  for (int tags = 0; tags < 4; ++tags) {
    if (std::find(kEtherVlan.begin(), kEtherVlan.end(), type) == kEtherVlan.end()) {
      break;
    }
    Reader tag{frame.take(4)};
    tag.u16();
    type = tag.u16();
    if (!tag.ok()) {
      return Verdict::Truncated;
    }
  }
  if (type == kEtherPppoe) {
    Reader header{frame.take(8)};
    header.take(6);
    const auto protocol = header.u16();
    if (!header.ok()) {
      return Verdict::Truncated;
    }
    type = protocol == kPppIpv4 ? kEtherIpv4 : protocol == kPppIpv6 ? kEtherIpv6 : 0;
  }
  switch (type) {
    case kEtherIpv4:
      return ipv4(frame, segment);
    case kEtherIpv6:
      return ipv6(frame, segment);
    default:
      return Verdict::Other;
  }
}

/// A link-layer header of @p size bytes with the EtherType at @p place.
Verdict with_ethertype(std::size_t size, std::size_t place, Frame frame, Segment& segment) {
  Reader header{frame.take(size)};
  header.take(place);
  const auto type = header.u16();
  if (!header.ok()) {
    return Verdict::Truncated;
  }
  return by_ethertype(type, frame, segment);
}

}  // namespace

bool knows_link_type(int link_type) {
  switch (link_type) {
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
      return true;
    default:
      return false;
  }
}

Verdict dissect(int link_type, Bytes bytes, std::uint32_t wire_length, Segment& segment) {
  // A length below what was captured is not one.
  Frame frame{bytes, std::max(wire_length, static_cast<std::uint32_t>(bytes.size()))};
  switch (link_type) {
    case DLT_EN10MB:
      return with_ethertype(14, 12, frame, segment);
    case DLT_LINUX_SLL:
      return with_ethertype(16, 14, frame, segment);
    case DLT_LINUX_SLL2:
      return with_ethertype(20, 0, frame, segment);
    case DLT_NULL:
    case DLT_LOOP:
      // The family's number depends on the system that captured; the version does not.
      frame.take(4);
      return by_version(frame, segment);
    default:
      return by_version(frame, segment);
  }
}

}  // namespace tcpopt::mptcpstat
