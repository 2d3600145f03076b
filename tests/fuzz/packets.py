# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments in IPv4 and IPv6, made from fields and taken apart again."""
import socket
import struct
from typing import NamedTuple

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
MASK = 0xffffffff
ETHERTYPE = {4: 0x0800, 6: 0x86dd}
KERNEL = {4: socket.inet_aton("10.9.1.2"), 6: socket.inet_pton(socket.AF_INET6, "fd09:1::2")}
# A peer for each exchange, so that no exchange meets what another left.
PEERS = {4: socket.inet_aton("10.128.0.0"), 6: socket.inet_pton(socket.AF_INET6, "fd77::")}


def peer_address(family, index):
    return PEERS[family][:-3] + (0x800000 | index % 0x7ffffe + 1).to_bytes(3, "big")


def total(data):
    data += b"\0" * (len(data) % 2)
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def folded(value):
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return ~value & 0xffff


class Segment(NamedTuple):
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int  # nine bits
    window: int
    urgent: int
    options: bytes
    payload: bytes


def packet(family, index, s, wrong_sum=False, offset=None):
    """An IP packet from the peer of this exchange; `offset` lies about the header."""
    source, target = peer_address(family, index), KERNEL[family]
    words = (20 + len(s.options)) // 4 if offset is None else offset
    raw = struct.pack("!HHIIHHHH", s.sport, s.dport, s.seq & MASK, s.ack & MASK,
                      words << 12 | s.flags, s.window, 0, s.urgent) + s.options + s.payload
    value = folded(total(source + target) + socket.IPPROTO_TCP + len(raw) + total(raw))
    raw = raw[:16] + struct.pack("!H", value ^ wrong_sum) + raw[18:]
    if family == 6:
        return struct.pack("!IHBB", 6 << 28, len(raw), socket.IPPROTO_TCP, 64) \
            + source + target + raw
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(raw), 0, 0, 64,
                       socket.IPPROTO_TCP, 0) + source + target
    return head[:10] + struct.pack("!H", folded(total(head))) + head[12:] + raw


def parse(family, index, data):
    """The segment in an IP packet of the kernel to this exchange's peer, else None."""
    if family == 4:
        at, end, protocol = (data[0] & 15) * 4, struct.unpack_from("!H", data, 2)[0], data[9]
        target = data[16:20]
    else:
        at, end, protocol = 40, 40 + struct.unpack_from("!H", data, 4)[0], data[6]
        target = data[24:40]
    if protocol != socket.IPPROTO_TCP or target != peer_address(family, index):
        return None
    sport, dport, seq, ack, word, window, _, urgent = struct.unpack_from("!HHIIHHHH", data, at)
    begin = at + (word >> 12) * 4
    return Segment(sport, dport, seq, ack, word & 0x1ff, window, urgent, data[at + 20:begin],
                   data[begin:end])


def options(raw):
    """[kind, value] of each, in order; padding is [1] and [0]."""
    found = []
    while raw:
        if raw[0] < 2:
            found.append([raw[0]])
            raw = raw[1:]
            continue
        if len(raw) < 2 or not 2 <= raw[1] <= len(raw):
            return found + [["malformed", raw.hex()]]
        found.append([raw[0], raw[2:raw[1]]])
        raw = raw[raw[1]:]
    return found


def moved_edges(raw, first):
    """Options whose SACK blocks count from `first`, where the kernel's numbers begin."""
    moved, at = bytearray(raw), 0
    while at < len(raw) and raw[at]:
        length = 1 if raw[at] == 1 else raw[at + 1] if at + 1 < len(raw) else 0
        if not length or raw[at] != 1 and length < 2 or at + length > len(raw):
            break
        if raw[at] == 5 and length % 8 == 2:
            for edge in range(at + 2, at + length, 4):
                value = struct.unpack_from("!I", raw, edge)[0]
                struct.pack_into("!I", moved, edge, value + first & MASK)
        at += length
    return bytes(moved)
