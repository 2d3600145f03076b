# SPDX-License-Identifier: GPL-2.0-or-later
"""What a peer asks of the acknowledgements is done: the patched kernel only.

The peer is a raw one, so that nothing but the server decides how many there are.
"""
import pytest

from net import ACK, SERVER, run
from pair import Pair
from test_delack import request, tarr

SIZE = 1460
# Linux acknowledges the first segments of a connection one by one.
WARM_UP, COUNT = 60, 96


@pytest.fixture
def delack(hosts, shared_loader, make_cgroup):
    hosts.offloads(False)
    return Pair(hosts, shared_loader, make_cgroup, "delack")


def delayed_acks():
    """Those that the timer has sent, by nstat: the server itself is busy reading."""
    text = run("ip", "netns", "exec", SERVER, "nstat", "-asz", "TcpExtDelayedACKs")
    return int(text.split("TcpExtDelayedACKs")[1].split()[0])


def warmed_up(delack, option=b""):
    raw = delack.connect_raw(ack=option)
    delack.server.start("recv_any", delack.inn)
    for _ in range(WARM_UP):
        raw.data(SIZE)
    return raw


def acknowledgements(delack, option=b""):
    """How many ACKs the server sends for COUNT full segments."""
    raw = warmed_up(delack, option)
    delack.capture = delack.hosts.capture()
    for _ in range(COUNT):
        raw.send(ACK, payload=bytes(SIZE))
    raw.receive(lambda flags, ack, _: ack == raw.next)
    raw.close()
    delack.server.wait()
    return len([s for s in delack.capture.segments() if s.source == SERVER])


@pytest.mark.parametrize("option, low, high", [
    (b"", COUNT // 4, COUNT), (request(0, 8), 4, COUNT // 5), (request(0, 2), COUNT // 4, COUNT),
    (request(0, 1), COUNT - 6, COUNT), (tarr(8), 4, COUNT // 5), (tarr(1), COUNT - 6, COUNT)],
    ids=["linux", "8", "2", "1", "tarr-8", "tarr-1"])
def test_number_of_acknowledgements(delack, option, low, high):
    delack.attach(SERVER, max_segments=16, tarr=1)
    count = acknowledgements(delack, option)
    assert low <= count <= high, count
    assert delack.stats(SERVER)["applied"] == bool(option)


def test_no_more_than_the_bound(delack):
    delack.attach(SERVER, max_segments=4)
    assert acknowledgements(delack, request(0, 200)) >= COUNT // 5
    assert delack.stats(SERVER)["clamped"] == 1


@pytest.mark.parametrize("option, delayed", [(b"", True), (tarr(0), False)], ids=["usual", "asked"])
def test_immediate_acknowledgement(delack, option, delayed):
    """It is the timer that acknowledges a lone full segment, unless asked not to."""
    delack.attach(SERVER, tarr=1, serve_now=1)
    raw = warmed_up(delack)
    before = delayed_acks()
    for _ in range(10):
        raw.data(SIZE, option, push=False)
    count = delayed_acks() - before
    assert count >= 8 if delayed else count <= 2, count
    raw.close()
    delack.server.wait()
    assert delack.stats(SERVER)["acked_now"] == (0 if delayed else 10)


def test_timeout_is_set(delack):
    delack.attach(SERVER, min_rtt=1, max_rtt=1000)
    raw = delack.connect_raw(ack=request(700, 0))
    raw.data()
    assert delack.counted(SERVER) == {"received": 1, "applied": 1}
    raw.close()
