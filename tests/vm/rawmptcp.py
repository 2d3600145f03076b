# SPDX-License-Identifier: GPL-2.0-or-later
"""An MPTCP peer of a few lines (RFC 8684), that resets its subflows as it likes.

It opens a session, or takes one and its joins.
"""
import hashlib
import hmac
import struct

from net import ACK, PSH, RST, SYN
from paths import MP_CAPABLE, MP_JOIN, MP_TCPRST
from rawtcp import FIRST, MSS, RawPeer

KIND, VERSION, SHA256, DATA_ACK = 30, 1, 1, 1
KEY, NONCE = b"a key of", b"once"


def token(key):
    return hashlib.sha256(key).digest()[:4]


def data_ack(key):
    """Of the first byte that the host with this key may send."""
    first = int.from_bytes(hashlib.sha256(key).digest()[-4:], "big") + 1
    return bytes([KIND, 8, 2 << 4, DATA_ACK]) + (first & 0xffffffff).to_bytes(4, "big")


def capable(*keys):
    value = b"".join(keys)
    return bytes([KIND, 4 + len(value), MP_CAPABLE << 4 | VERSION, SHA256]) + value


class MptcpPeer(RawPeer):
    def suboption(self, subtype):
        """The one that was received last, from its kind on."""
        rest = self.options
        while rest and rest[0]:
            if rest[0] == KIND and rest[2] >> 4 == subtype:
                return rest[:rest[1]]
            rest = rest[1:] if rest[0] == 1 else rest[rest[1]:]
        return None

    def await_option(self, subtype, flags):
        """Its segment, and the option."""
        self.receive(lambda got, _, __: got == flags and self.suboption(subtype))
        return self.suboption(subtype)

    def open(self):
        """A session with the host's listener."""
        self.send(SYN, MSS + capable())
        self.host_key = self.await_option(MP_CAPABLE, SYN | ACK)[4:12]
        self.send(ACK, capable(KEY, self.host_key))

    def await_syn(self, subtype, timeout=20):
        """The option. From now on this peer's connection is that one."""
        self.remote, self.next, self.taken = None, FIRST, 0
        seq = self.receive(lambda flags, _, __: flags == SYN and self.suboption(subtype), timeout)
        self.remote, self.acked = self.source, seq + 1
        return self.suboption(subtype)

    def take(self):
        """The session that the host opens; it is fully established then."""
        self.await_syn(MP_CAPABLE)
        self.send(SYN | ACK, MSS + capable(KEY))
        self.host_key = self.await_option(MP_CAPABLE, ACK)[4:12]
        self.send(ACK, data_ack(self.host_key))

    def take_join(self, established=True):
        """A join that the host opens; without the fourth ACK it is not established."""
        nonce = self.await_syn(MP_JOIN)[8:12]
        proof = hmac.digest(KEY + self.host_key, NONCE + nonce, "sha256")
        self.send(SYN | ACK, MSS + bytes([KIND, 16, MP_JOIN << 4, 0]) + proof[:8] + NONCE)
        self.await_option(MP_JOIN, ACK)
        if established:
            self.send(ACK, data_ack(self.host_key))

    def join(self, host_key, options=b"", authentic=True):
        """A session that another one of these opened; `options` in the SYN and the third ACK."""
        self.host_key = host_key
        self.send(SYN, MSS + bytes([KIND, 12, MP_JOIN << 4, 1]) + token(host_key) + NONCE + options)
        nonce = self.await_option(MP_JOIN, SYN | ACK)[12:16]
        key = KEY if authentic else KEY[::-1]
        proof = hmac.digest(key + host_key, NONCE + nonce, "sha256")
        self.send(ACK, bytes([KIND, 24, MP_JOIN << 4, 0]) + proof[:20] + options)

    def reset(self, reason=None, transient=False):
        """This connection, and say why."""
        why = b"" if reason is None else bytes([KIND, 4, MP_TCPRST << 4 | transient, reason])
        self.send(RST | ACK, why)


class DataPeer(MptcpPeer):
    """It opens a session and sends data, with any options beside its mappings."""

    def connect(self, syn=b"", ack=b""):
        self.open()
        self.acked_data, self.data_seq = (
            int.from_bytes(hashlib.sha256(key).digest()[24:], "big") + 1
            for key in (self.host_key, KEY))
        self.subflow_seq = 1
        self.data(100)

    def options_received(self):
        """MPTCP options of the last segment, from their subtypes on."""
        found, rest = [], self.options
        while rest and rest[0]:
            if rest[0] == KIND:
                found.append(rest[2:rest[1]])
            rest = rest[1:] if rest[0] == 1 else rest[rest[1]:]
        return found

    def dss(self, size=0):
        """DATA_ACK, and a mapping for so much data (section 3.3), both of 64 bits."""
        acked = struct.pack("!Q", self.acked_data & (1 << 64) - 1)
        if not size:
            return bytes([KIND, 12, 2 << 4, 0x03]) + acked
        mapping = struct.pack("!QIH", self.data_seq & (1 << 64) - 1, self.subflow_seq, size)
        return bytes([KIND, 26, 2 << 4, 0x0f]) + acked + mapping

    def ack(self, options=b""):
        """An ACK without data."""
        self.send(ACK, self.dss() + options)

    def data(self, count=100, options=b"", push=True, may_be_dropped=False, before=b""):
        """Data that the host has acknowledged when this returns."""
        self.send(ACK | PSH, before + self.dss(count) + options, bytes(count))
        self.data_seq += count
        self.subflow_seq += count
        self._await_ack(20)
