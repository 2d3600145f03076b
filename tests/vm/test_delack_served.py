# SPDX-License-Identifier: GPL-2.0-or-later
"""What a peer asks of the acknowledgements is done: the patched kernel only.

The peer is a raw one, so that nothing but the server decides how many there are.
"""
import socket

import pytest

from net import CLIENT, RAW, SERVER
from pair import Pair, sent
from test_delack import request, tarr

SIZE = 1460
# Linux acknowledges the first segments of a connection one by one, and all while
# the receive window grows. A window that is fixed and a buffer that it never
# fills, though nobody reads, leave the rule for ACKs alone to decide.
WARM_UP, COUNT, BURST, LONE = 60, 96, 8, 5
SO_RCVBUFFORCE, TCP_WINDOW_CLAMP = 33, 10
BUFFER = [[socket.SOL_SOCKET, SO_RCVBUFFORCE, 8_000_000]]


@pytest.fixture
def delack(hosts, shared_loader, make_cgroup):
    hosts.offloads(False)
    return Pair(hosts, shared_loader, make_cgroup, "delack")


def connected(delack, option):
    raw = delack.connect_raw(ack=option, options=BUFFER)
    raw.data(SIZE)
    delack.server.setopt(delack.inn, socket.SOL_TCP, TCP_WINDOW_CLAMP, 65535)
    return raw


def warmed_up(delack, option=b""):
    raw = connected(delack, option)
    for _ in range(WARM_UP):
        raw.data(SIZE)
    return raw


def acknowledgements(delack, option=b""):
    """How many ACKs the server sends for COUNT full segments, and how many by its timer."""
    raw = warmed_up(delack, option)
    before = delack.hosts.counter(SERVER, "DelayedACKs")
    delack.capture = delack.hosts.capture()
    for _ in range(COUNT // BURST):
        raw.burst(BURST, SIZE)
    delayed = delack.hosts.counter(SERVER, "DelayedACKs") - before
    raw.close()
    return len([s for s in delack.capture.segments() if s.source == SERVER]), delayed


@pytest.mark.parametrize("option, segments", [
    (request(0, 1), 1), (request(0, 2), 2), (request(0, 4), 4), (request(0, 8), 8),
    (tarr(1), 1), (tarr(4), 4), (tarr(8), 8)],
    ids=["1", "2", "4", "8", "tarr-1", "tarr-4", "tarr-8"])
def test_number_of_acknowledgements(delack, option, segments):
    """As many as asked for, but for a burst that took so long that the timer came first."""
    delack.attach(SERVER, max_segments=16, tarr=1)
    count, delayed = acknowledgements(delack, option)
    assert COUNT // segments <= count <= COUNT // segments + 3 + delayed
    assert delayed <= count // 2
    assert delack.stats(SERVER)["applied"] == 1


def test_no_more_than_the_bound(delack):
    delack.attach(SERVER, max_segments=4)
    count, delayed = acknowledgements(delack, request(0, 200))
    assert COUNT // 4 <= count <= COUNT // 4 + 3 + delayed
    assert delayed <= count // 2
    assert delack.stats(SERVER)["clamped"] == 1


@pytest.mark.parametrize("option, delayed", [(b"", True), (tarr(0), False)], ids=["usual", "asked"])
def test_immediate_acknowledgement(delack, option, delayed):
    """It is the timer that acknowledges a lone full segment, unless asked not to."""
    delack.attach(SERVER, tarr=1, serve_now=1)
    raw = warmed_up(delack)
    before = delack.hosts.counter(SERVER, "DelayedACKs")
    for _ in range(10):
        raw.data(SIZE - (len(option) + 3 & ~3), option, push=False)
    count = delack.hosts.counter(SERVER, "DelayedACKs") - before
    assert count >= 8 if delayed else count <= 2, count
    raw.close()
    assert delack.stats(SERVER)["acked_now"] == (0 if delayed else 10)


def test_timeout_is_set(delack):
    delack.attach(SERVER, min_rtt=1, max_rtt=1000)
    raw = delack.connect_raw(ack=request(700, 0))
    raw.data()
    assert delack.counted(SERVER) == {"received": 1, "applied": 1}
    raw.close()


@pytest.mark.parametrize("percent, at_least, less_than", [
    (25, 22, 35), (60, 54, 75), (None, 35, 200)], ids=["25", "60", "usual"])
def test_timeout_of_a_lone_segment(delack, percent, at_least, less_than):
    """A share of the path's RTT of 100 ms; Linux takes 40 ms, and twice that next time.

    In ms, from the segment's arrival to its ACK. The timer is early by a tick at
    most, but late on a slow guest, hence the shortest. Nothing may come between
    the segments: after a pause Linux acknowledges at once.
    """
    delack.hosts.netem(CLIENT, "delay", "100ms")
    delack.attach(SERVER, min_rtt=1, max_rtt=100)
    raw = connected(delack, request(percent, 0) if percent else b"")
    raw.burst(WARM_UP, SIZE)
    before = delack.hosts.counter(SERVER, "DelayedACKs")
    for _ in range(LONE):
        raw.data(SIZE, push=False)
    assert delack.hosts.counter(SERVER, "DelayedACKs") - before == LONE
    segments = delack.capture.segments()
    arrived, acked = (sent(segments, name)[-LONE:] for name in (RAW, SERVER))
    delays = [1000 * (ack.time - data.time) for data, ack in zip(arrived, acked)]
    assert at_least <= min(delays) < less_than, delays
    raw.close()
