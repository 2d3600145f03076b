# SPDX-License-Identifier: GPL-2.0-or-later
"""The path manager refresh: replaces subflows that were reset or timed out."""
import itertools
import time

import pytest

import probe as pm
from mptcp import counter
from net import CLIENT, SERVER, SYN, digest, eventually


def stats(mptcp):
    return mptcp.stats(CLIENT, "refresh")


def settled(mptcp, **wanted):
    """Wait until these counters are at these values."""
    seen = {}

    def reached():
        seen.update(stats(mptcp))
        return {key: seen[key] for key in wanted} == wanted
    try:
        eventually(reached, f"{wanted}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None


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
    """By FIN of the peer; that of another session, reset after it, is."""
    probe = mptcp4.probe(SERVER)
    mptcp4.attach(CLIENT, "refresh", min=10, max=10)
    joins = counter(CLIENT, "MPJoinSynTx")
    session = mptcp4.connect()
    token = probe.events(pm.NEW_SESSION)[0].loc_token
    assert probe.now(pm.CLOSE, a=1, token=token) == 0
    settled(mptcp4, ignored=1)
    session.wait_subflows(SERVER, 0)
    other = mptcp4.connect()
    session.kill(SERVER, other.subflows(SERVER)[0])
    settled(mptcp4, reset=1, opened=1, established=1)
    other.exchange()
    assert stats(mptcp4)["ignored"] == 1 and counter(CLIENT, "MPJoinSynTx") == joins + 1


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
    assert session.server.recv(session.inn, 50_000) == digest(50_000)
    assert session.client.wait() == 50_000


@pytest.mark.parametrize("linear", [0, 20])
def test_dead_path_costs_a_known_number_of_syns(mptcp4, linear):
    """Three for an attempt at most, whatever the system adds: four attempts a minute."""
    mptcp4.hosts.sysctl(CLIENT, "net.ipv4.tcp_syn_linear_timeouts", linear)
    mptcp4.attach(CLIENT, "refresh", min=10, max=20, syns=12)
    session = mptcp4.connect()
    mptcp4.paths.wire.begin()
    flow, = session.wait_subflows(SERVER, 1)
    mptcp4.paths.nft(SERVER, "tcp flags & (syn|ack) == syn drop")
    session.kill(SERVER, flow)
    settled(mptcp4, held=1)
    eventually(lambda: stats(mptcp4)["failed"] == 2, "second attempt failed", 90)
    syns = [p for p in mptcp4.paths.wire.packets() if p.flags == SYN]
    times = [[p.time for p in syns if p.ports == ports]
             for ports in dict.fromkeys(p.ports for p in syns)]
    assert all(2 <= len(attempt) <= 3 for attempt in times), times
    assert all(later[0] - one[0] > 14 for one, later in itertools.pairwise(times)), times
    assert stats(mptcp4)["syns"] == len(syns)


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


def test_a_peer_that_denies_joins_to_its_first_address(mptcp4):
    """It is not asked at all."""
    mptcp4.hosts.sysctl(SERVER, "net.mptcp.allow_join_initial_addr_port", 0)
    mptcp4.attach(CLIENT, "refresh", min=10)
    session = mptcp4.connect()
    session.kill(SERVER, session.wait_subflows(SERVER, 1)[0])
    settled(mptcp4, reset=1, prohibited=1)
    assert stats(mptcp4)["opened"] == stats(mptcp4)["refused"] == 0


def test_join_that_is_prohibited_backs_off(mptcp4):
    """Joins the peer refuses look like failures; they are spaced by `syns`."""
    mptcp4.probe(SERVER, refuse=1)
    mptcp4.attach(CLIENT, "refresh", min=10, max=20, syns=1000)
    session = mptcp4.connect()
    session.kill(SERVER, session.wait_subflows(SERVER, 1)[0])
    eventually(lambda: stats(mptcp4)["failed"] >= 5, "five attempts")
    mptcp4.set(CLIENT, "refresh", syns=3)
    # A time in which there would be fifteen more.
    tried, start = counter(CLIENT, "MPJoinSynTx"), time.monotonic()
    eventually(lambda: time.monotonic() > start + 3, "3 s later")
    assert counter(CLIENT, "MPJoinSynTx") <= tried + 1
    assert stats(mptcp4)["reset"] == 1 and stats(mptcp4)["established"] == 0
