# SPDX-License-Identifier: GPL-2.0-or-later
"""MPTCP options that no well-behaved peer sends: counted, and of no other account."""
import pytest

import mpopt
from mpopt import EXID, PARSE, SEND, option
from mptcp import counter, subflows
from net import ACK, RST, SERVER, eventually
from rawmptcp import KIND, DataPeer, MptcpPeer

PORT = 7200
ECHO, ASK = 1, 2
FELL_BACK = ("MPCapableFallbackACK", "MPCapableDataFallback", "DSSFallback", "InfiniteMapTx")


class Bad:
    """A session of a raw peer with a server whose program watches an option."""

    def __init__(self, mptcp):
        self.server = mpopt.Options(mptcp.loader, mptcp.cgroups[SERVER])
        self.peer = mptcp.hosts.peers[SERVER]
        self.listener = self.peer.listen("0.0.0.0", PORT, mptcp=True)
        self.raw = DataPeer(mptcp.hosts, PORT)

    def connect(self):
        self.peer.start("accept", self.listener)
        self.raw.connect()
        self.conn = self.peer.wait()
        self.fallbacks = self.fell_back()
        assert len(subflows(SERVER, PORT)) == 1

    @staticmethod
    def fell_back():
        return [counter(SERVER, key) for key in FELL_BACK if key != "DSSFallback"]

    def send(self, opt, dss=True):
        """One ACK with that option; `opt` is what follows kind and length."""
        whole = bytes([KIND, 2 + len(opt)]) + opt
        if dss:
            self.raw.ack(whole)
        else:
            self.raw.send(ACK, whole)

    def lives(self):
        """Data still goes through, with its mapping."""
        self.raw.data(100)
        assert len(subflows(SERVER, PORT)) == 1 and self.fell_back() == self.fallbacks


@pytest.fixture
def bad(mptcp4):
    one = Bad(mptcp4)
    yield one
    one.server.close()


def counted(key, before, more):
    eventually(lambda: counter(SERVER, key) >= before + more, f"{key} {before} and {more} more")
    assert counter(SERVER, key) == before + more


def test_every_length(bad):
    """With and without a serial number, of the program and of nobody."""
    bad.connect()
    before = {key: counter(SERVER, key) for key in
              ("BPFOptRx", "BPFOptUnknown", "BPFOptMalformed", "BPFOptDup", "BPFOptEcho")}
    more = dict.fromkeys(before, 0)
    serials = set()
    for length in range(2, 41):
        for flags in (0, ASK, ECHO, ECHO | ASK):
            for exid in (EXID, 0x1234):
                opt = option(bytes([length] * 40), exid=exid, bits=flags)[:length - 2]
                bad.send(opt, dss=length <= 28)
                if length < 3:
                    continue  # there is not even a subtype
                if length < 5 + bool(flags):
                    more["BPFOptMalformed"] += 1
                elif exid != EXID:
                    more["BPFOptUnknown"] += 1
                elif flags & ECHO:
                    more["BPFOptEcho"] += 1
                elif flags and length in serials:
                    more["BPFOptDup"] += 1
                else:
                    more["BPFOptRx"] += 1
                    serials.add(length if flags else 0)
        bad.lives()
    for key in before:
        counted(key, before[key], more[key])
    assert len(bad.server.events(PARSE)) == more["BPFOptRx"]


def test_subtypes_of_nobody(bad):
    bad.connect()
    before = counter(SERVER, "BPFOptUnknown")
    for subtype in range(9, 15):
        bad.send(option(b"1234", exid=0, subtype=subtype, bits=ASK))
        bad.lives()
    counted("BPFOptUnknown", before, 6)
    assert not bad.server.events(PARSE)


def test_many_in_one_segment(bad):
    """Four of them are read."""
    bad.connect()
    one = bytes([KIND, 5]) + option()
    bad.raw.send(ACK, one * 8)
    bad.lives()
    assert len(bad.server.events(PARSE)) == 4


def test_before_a_mapping(bad):
    """Data keeps the mapping that comes behind an option."""
    bad.connect()
    bad.raw.data(100, before=bytes([KIND, 8]) + option(b"abc"))
    bad.lives()
    assert bad.server.values() == [b"abc"]


def test_echoes_are_not_echoed(bad):
    """And a flood of questions gets one answer each at most."""
    bad.connect()
    for serial in range(40):
        bad.send(option(b"q", bits=ASK) + bytes([serial]))
        bad.raw.receive(lambda flags, _, size: not size and any(
            o[:1] == b"\xf1" for o in bad.raw.options_received()))
        echo = next(o for o in bad.raw.options_received() if o[:1] == b"\xf1")
        assert echo == bytes([0xf1]) + EXID.to_bytes(2, "big") + bytes([serial])
    for serial in range(40):
        bad.send(option(b"", bits=ECHO) + bytes([serial]))
    bad.lives()
    assert bad.server.values() == [b"q"] * 40


def test_on_a_join(bad, mptcp4):
    """Not in its SYN, and not from somebody without the keys."""
    bad.connect()
    before = {key: counter(SERVER, key) for key in ("BPFOptRx", "MPJoinAckHMacFailure")}
    opt = bytes([KIND, 8]) + option(b"abc")
    liar = MptcpPeer(mptcp4.hosts, PORT)
    liar.join(bad.raw.host_key, opt, authentic=False)
    liar.receive(lambda flags, _, __: flags & RST)
    counted("MPJoinAckHMacFailure", before["MPJoinAckHMacFailure"], 1)
    bad.lives()
    assert not bad.server.events(PARSE)
    friend = MptcpPeer(mptcp4.hosts, PORT)
    friend.join(bad.raw.host_key, opt)
    eventually(lambda: len(subflows(SERVER, PORT)) == 2, "joined")
    friend.send(ACK, bad.raw.dss() + opt)
    counted("BPFOptRx", before["BPFOptRx"], 2)
    assert bad.server.values() == [b"abc"] * 2


def test_after_fallback(bad):
    """A session without the third ACK's keys is none."""
    raw = bad.raw
    bad.peer.start("accept", bad.listener)
    super(DataPeer, raw).connect(bytes([KIND, 4, 0x01, 0x01]))
    bad.peer.wait()
    for length in range(0, 20):
        raw.send(ACK, bytes([KIND, 2 + length]) + option(bytes(20))[:length])
    super(DataPeer, raw).data(100)
    assert not bad.server.events(PARSE)
    order = bad.server.order(SEND, opt=option(b"x"))
    bad.server.wake()
    assert not any(o[0] >> 4 == 15 for o in raw.options_received()), order
