# SPDX-License-Identifier: GPL-2.0-or-later
"""The path manager refresh: replaces subflows that were reset or timed out."""
import time

import pytest

import probe as pm
from mptcp import counter
from net import CLIENT, SERVER, eventually


def stats(mptcp):
    return mptcp.stats(CLIENT, "refresh")


def settled(mptcp, **wanted):
    """Wait until these counters are at these values."""
    eventually(lambda: {key: stats(mptcp)[key] for key in wanted} == wanted,
               f"{wanted}, {stats(mptcp)}")


def test_reset_subflow_is_replaced(mptcp):
    """As often as it happens, between the same addresses, from another port."""
    mptcp.attach(CLIENT, "refresh", min=50)
    session = mptcp.connect()
    old, = session.subflows(CLIENT)
    for number in range(1, 5):
        session.kill(SERVER, session.wait_subflows(SERVER, 1)[0])
        settled(mptcp, reset=number, established=number)
        new, = session.wait_subflows(CLIENT, 1)
        assert new.pair == old.pair and new.lport != old.lport and not new.initial
        session.exchange()
        old = new
    session.close()


def test_reset_during_a_transfer(mptcp4):
    mptcp4.paths.shape(0, "20mbit")
    mptcp4.attach(CLIENT, "refresh", min=20)
    session = mptcp4.connect()
    session.begin_download(6_000_000, timeout=200)
    for number in range(1, 4):
        session.kill(SERVER, session.wait_subflows(SERVER, 1)[0])
        settled(mptcp4, established=number)
    session.end_download(6_000_000)
    session.close()


def test_closed_on_purpose_is_not_replaced(mptcp4):
    """By FIN of the peer, here a program that closes the first of two."""
    probe = mptcp4.probe(SERVER)
    mptcp4.attach(CLIENT, "refresh", min=20)
    session = mptcp4.connect()
    assert probe.now(pm.OPEN) == 0  # refused by the client's port; a second try follows
    session.exchange()
    assert probe.now(pm.CLOSE, a=1) == 0
    settled(mptcp4, ignored=1)
    assert stats(mptcp4)["opened"] == 0


def test_killed_here_is_not_replaced(mptcp4):
    mptcp4.attach(CLIENT, "refresh", min=20)
    session = mptcp4.connect()
    session.kill(CLIENT, session.subflows(CLIENT)[0])
    settled(mptcp4, ignored=1, opened=0)


def test_timed_out_subflow_is_replaced(mptcp4):
    """The path drops what belongs to the old port only."""
    mptcp4.hosts.sysctl(CLIENT, "net.ipv4.tcp_retries2", 3)
    mptcp4.attach(CLIENT, "refresh", min=50)
    session = mptcp4.connect()
    port = session.subflows(CLIENT)[0].lport
    mptcp4.paths.nft(SERVER, f"tcp sport {port} drop")
    session.client.start("send", session.out, 50_000)
    settled(mptcp4, timeout=1, established=1)
    from net import digest
    assert session.server.recv(session.inn, 50_000) == digest(50_000)
    assert session.client.wait() == 50_000


def test_dead_path_costs_a_known_number_of_syns(mptcp4):
    """Two for an attempt, six a minute: three attempts in a minute, spaced by 20 s."""
    mptcp4.attach(CLIENT, "refresh", min=10, max=20, syns=6)
    session = mptcp4.connect()
    mptcp4.paths.wire.begin()
    flow, = session.wait_subflows(SERVER, 1)
    mptcp4.paths.nft(SERVER, "tcp flags & (syn|ack) == syn drop")
    start = time.monotonic()
    session.kill(SERVER, flow)
    settled(mptcp4, held=1)
    eventually(lambda: stats(mptcp4)["failed"] == 2, "second attempt failed", 60)
    took = time.monotonic() - start
    syns = [p for p in mptcp4.paths.wire.packets() if p.flags == 2]
    # To read them took a while, in which a slow guest went on.
    attempts = 1 + (time.monotonic() - start) // 20
    assert took > 20 and 4 <= len(syns) <= 2 * attempts
    assert 2 <= len({p.ports for p in syns}) <= attempts


def test_waits_grow(mptcp4):
    """A server that resets each replacement at once is not hammered."""
    mptcp4.attach(CLIENT, "refresh", min=100, max=3600000, syns=1000)
    session = mptcp4.connect()
    flow, = session.wait_subflows(SERVER, 1)
    mptcp4.paths.nft(SERVER, "tcp flags & (syn|ack) == syn reject with tcp reset")
    session.kill(SERVER, flow)
    start = time.monotonic()
    eventually(lambda: stats(mptcp4)["failed"] >= 5, "five attempts")
    assert time.monotonic() - start > 0.1 * (1 + 2 + 4 + 8 + 16) - 0.1


@pytest.mark.parametrize("policy", ["refused"])
def test_join_that_is_prohibited_backs_off(mptcp4, policy):
    """Joins the peer refuses look like failures; they are spaced by `syns`."""
    mptcp4.probe(SERVER, refuse=1)
    mptcp4.attach(CLIENT, "refresh", min=10, max=20, syns=2)
    session = mptcp4.connect()
    before = counter(CLIENT, "MPJoinSynTx")
    session.kill(SERVER, session.wait_subflows(SERVER, 1)[0])
    settled(mptcp4, failed=1, held=1)
    assert counter(CLIENT, "MPJoinSynTx") == before + 1
    assert policy
