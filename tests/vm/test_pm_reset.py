# SPDX-License-Identifier: GPL-2.0-or-later
"""Subflows that the peer resets: what it says of the reason (RFC 8684, section 3.6)."""
import time

import pytest

import probe as pm
from mptcp import PORT
from net import RAW_ADDRESS, SERVER, eventually
from paths import MP_JOIN
from rawmptcp import KEY, MptcpPeer, token

TRANSIENT = 0x100
MPTCP, RESOURCES, PROHIBITED, OUTSTANDING, PERFORMANCE, MIDDLEBOX = range(1, 7)


@pytest.fixture
def peer(mptcp4):
    return MptcpPeer(mptcp4.hosts, PORT)


def connect(mptcp, peer):
    """A session that this host opens to the peer."""
    peer.renew()
    mptcp.hosts.peers[SERVER].start("connect", RAW_ADDRESS, peer.local, mptcp=True)
    peer.take()
    return mptcp.hosts.peers[SERVER].wait()


def closed(probe, number):
    event = probe.wait(pm.SUB_CLOSED, number)
    assert str(event.subflow.remote.address) == RAW_ADDRESS
    return event.args


def test_reason_is_told(mptcp4, peer):
    """Each, with and without the bit for a passing one; of several sessions at a server."""
    probe, server = mptcp4.probe(SERVER), mptcp4.hosts.peers[SERVER]
    listener = mptcp4.listen()
    cases = [(reason, transient) for reason in range(7) for transient in (False, True)]
    for number, (reason, transient) in enumerate(cases, 1):
        peer.renew()
        server.start("accept", listener)
        peer.open()
        server.wait()
        peer.reset(reason, transient)
        assert closed(probe, number) == [1, pm.RST, reason | TRANSIENT * transient]


def test_no_reason_is_told_as_none(mptcp4, peer):
    """By a middlebox, or by a peer that has no MPTCP any more."""
    probe = mptcp4.probe(SERVER)
    connect(mptcp4, peer)
    peer.reset()
    assert closed(probe, 1) == [1, pm.RST, 0]


def test_join_that_is_reset(mptcp4, peer):
    probe = mptcp4.probe(SERVER)
    connect(mptcp4, peer)
    for number, (reason, transient) in enumerate(((PERFORMANCE, True), (MIDDLEBOX, False)), 1):
        assert probe.now(pm.OPEN) == 0
        peer.take_join()
        subflow, = eventually(lambda: [sf.id for sf in probe.walk() if sf.id > 1
                                       and sf.flags & pm.ESTABLISHED], "established")
        peer.reset(reason, transient)
        assert closed(probe, number) == [subflow, pm.RST, reason | TRANSIENT * transient]


def test_join_that_is_refused_late(mptcp4, peer):
    """After the third ACK, by which the host thinks that it is established."""
    probe = mptcp4.probe(SERVER)
    connect(mptcp4, peer)
    assert probe.now(pm.OPEN) == 0
    peer.take_join(established=False)
    peer.reset(PROHIBITED)
    assert closed(probe, 1)[1:] == [pm.RST, PROHIBITED]
    assert not probe.events(pm.SUB_CLOSED)[0].subflow.flags & pm.ESTABLISHED


REASONS = {"none": (), "resources": (RESOURCES, True), "prohibited": (PROHIBITED, True),
           "outstanding": (OUTSTANDING, True), "middlebox": (MIDDLEBOX, True)}
WAITS = {"resources": 3}


@pytest.mark.parametrize("why", REASONS)
def test_replaced_after_a_passing_reason(mptcp4, peer, why):
    """A lack of resources takes a while to get better."""
    mptcp4.attach(SERVER, "refresh", min=10, max=3000)
    connect(mptcp4, peer)
    start = time.monotonic()
    peer.reset(*REASONS[why])
    assert peer.await_syn(MP_JOIN)[4:8] == token(KEY)
    assert time.monotonic() - start > WAITS.get(why, 0)
    stats = mptcp4.stats(SERVER, "refresh")
    assert (stats["reset"], stats["opened"], stats["prohibited"]) == (1, 1, 0)


@pytest.mark.parametrize("last", [(MIDDLEBOX, 0), (OUTSTANDING, 0), (MIDDLEBOX, 4)],
                         ids=["longer", "outstanding", "lasted"])
def test_waits_begin_anew(mptcp4, peer, last):
    """If the peer wants a new start, or the subflow outlasted the wait before it."""
    mptcp4.attach(SERVER, "refresh", min=800, max=3600000)
    connect(mptcp4, peer)
    waits = []
    for reason, lasts in ((MIDDLEBOX, 0), (MIDDLEBOX, 0), (MIDDLEBOX, 0), last):
        time.sleep(lasts)
        start = time.monotonic()
        peer.reset(reason, True)
        peer.take_join()
        waits.append(time.monotonic() - start)
    assert waits[2] > 3.1, waits
    assert waits[3] < waits[2] - 0.8 if last != (MIDDLEBOX, 0) else waits[3] > 6.3, waits


@pytest.mark.parametrize("reason", [MPTCP, PROHIBITED, PERFORMANCE])
def test_not_replaced_after_a_lasting_reason(mptcp4, peer, reason):
    """Between these addresses, of this session."""
    mptcp4.attach(SERVER, "refresh", min=10, max=10)
    connect(mptcp4, peer)
    peer.reset(reason)
    eventually(lambda: mptcp4.stats(SERVER, "refresh")["prohibited"] == 1, "heeded")
    # A subflow of another session is, though reset later.
    connect(mptcp4, peer)
    peer.reset()
    assert peer.await_syn(MP_JOIN)
    stats = mptcp4.stats(SERVER, "refresh")
    assert (stats["reset"], stats["opened"], stats["prohibited"]) == (2, 1, 1)


def test_not_tried_again_if_the_join_is_prohibited(mptcp4, peer):
    """The replacement is, after the third ACK."""
    mptcp4.attach(SERVER, "refresh", min=10, max=10)
    connect(mptcp4, peer)
    peer.reset()
    peer.take_join(established=False)
    peer.reset(PROHIBITED)
    eventually(lambda: mptcp4.stats(SERVER, "refresh")["prohibited"] == 1, "heeded")
    stats = mptcp4.stats(SERVER, "refresh")
    assert (stats["reset"], stats["opened"], stats["failed"]) == (2, 1, 0)
