# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments that TCP must not take, while header prediction is off and while it is on.

What becomes of them is what the stock kernel makes of them: with no program
attached, and with one that watches.
"""
import hashlib

import pytest

from net import ACK, PSH, SERVER
from pair import PORT, Pair
from rawtcp import RawPeer
from test_options import CONNECT, LISTEN, watch

NOPS = b"\x01" * 4
UNKNOWN = b"\x66\x04\0\0"


@pytest.fixture(params=[False, True], ids=["no-program", "watched"])
def pair(request, hosts, shared_loader, make_cgroup):
    pair = Pair(hosts, shared_loader, make_cgroup, "calls")
    if request.param:
        pair.attach(SERVER, **watch(LISTEN | CONNECT))
    pair.listen()
    pair.server.start("accept", pair.listener)
    pair.raw = RawPeer(hosts, PORT)
    pair.raw.connect()
    pair.inn = pair.server.wait()
    return pair


@pytest.mark.parametrize("hole", [True, False], ids=["hole", "no-hole"])
@pytest.mark.parametrize("flags, window, options", [
    (0, 0, NOPS), (0, 0, UNKNOWN), (0, 0, b""), (0, 1, NOPS), (PSH, 0, NOPS)],
    ids=["padded", "unknown", "bare", "window", "push"])
def test_without_ack_flag(pair, hole, flags, window, options):
    """RFC 9293, 3.10.7.4: if the ACK bit is off, drop the segment."""
    raw = pair.raw
    raw.data(6)
    behind = b"behind" if hole else b""
    if hole:
        raw.free(ACK | PSH, b"", behind, seq=raw.next + 4)
    raw.free(flags, options, b"EVIL", window=window)
    raw.free(ACK | PSH, b"", bytes(4))
    end = raw.next + 4 + len(behind)
    raw.receive(lambda _, ack, __: ack == end)
    expected = bytes(10) + behind
    assert pair.server.recv(pair.inn, len(expected)) == hashlib.sha256(expected).hexdigest()
