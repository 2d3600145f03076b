# SPDX-License-Identifier: GPL-2.0-or-later
"""An MPTCP peer with one subflow that puts any options into its ACKs."""
import hashlib
import struct

from net import ACK, PSH, SYN
from rawtcp import MSS, RawPeer

KEY = bytes(range(8))
KIND = 30


def mptcp_options(data):
    """Those of kind 30 in a header, from their subtypes on."""
    found = []
    while data and data[0]:
        if data[0] == 1:
            data = data[1:]
            continue
        if data[0] == KIND:
            found.append(data[2:data[1]])
        data = data[data[1]:]
    return found


class RawMptcpPeer(RawPeer):
    """A session (RFC 8684, section 3.1) that the server has fully established."""

    def connect(self, syn=b"", ack=b""):
        self.send(SYN, MSS + syn + bytes([KIND, 4, 0x01, 0x01]))
        self.receive(lambda flags, _, __: flags & SYN)
        key = mptcp_options(self.options)[0][2:10]
        # HMAC-SHA256 of this version: the lowest 64 bits (section 3.1).
        self.data_ack = int.from_bytes(hashlib.sha256(key).digest()[24:], "big") + 1
        self.data_seq = int.from_bytes(hashlib.sha256(KEY).digest()[24:], "big") + 1
        self.send(ACK, bytes([KIND, 20, 0x01, 0x01]) + KEY + key + ack)
        self.subflow_seq = 1
        self.data(100)

    def dss(self, size=0):
        """DATA_ACK, and a mapping for so much data (section 3.3)."""
        acked = struct.pack("!Q", self.data_ack & (1 << 64) - 1)
        if not size:
            return bytes([KIND, 12, 0x20, 0x03]) + acked
        mapping = struct.pack("!QIH", self.data_seq & (1 << 64) - 1, self.subflow_seq, size)
        return bytes([KIND, 26, 0x20, 0x0f]) + acked + mapping

    def ack(self, options=b""):
        """An ACK without data."""
        self.send(ACK, self.dss() + options)

    def data(self, count=100, options=b"", push=True, may_be_dropped=False):
        """Data that the server has acknowledged when this returns."""
        self.send(ACK | PSH, self.dss(count) + options, bytes(count))
        self.data_seq += count
        self.subflow_seq += count
        self._await_ack(20)
