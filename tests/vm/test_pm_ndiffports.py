# SPDX-License-Identifier: GPL-2.0-or-later
"""The path manager ndiffports: a number of subflows between the same two addresses."""
import pytest

from mptcp import counter
from net import CLIENT, SERVER, eventually
from paths import MP_JOIN


def initial(flows):
    return [sf for sf in flows if sf.initial]


def test_number_is_changed_on_a_live_session(mptcp):
    mptcp.attach(CLIENT, "ndiffports", subflows=4)
    session = mptcp.connect()
    flows = session.wait_subflows(CLIENT, 4)
    assert len({sf.pair for sf in flows}) == 1 and len({sf.lport for sf in flows}) == 4
    first, = initial(flows)
    mptcp.set(CLIENT, "ndiffports", subflows=7)
    older = {sf.lport for sf in flows}
    flows = session.wait_subflows(CLIENT, 7)
    assert older < {sf.lport for sf in flows}
    mptcp.set(CLIENT, "ndiffports", subflows=3)
    left = session.wait_subflows(CLIENT, 3)
    assert {sf.lport for sf in left} < older, "the youngest are closed"
    mptcp.set(CLIENT, "ndiffports", subflows=1)
    only, = session.wait_subflows(CLIENT, 1)
    assert only.initial and only.lport == first.lport
    session.wait_subflows(SERVER, 1)
    session.download(200_000)
    stats = mptcp.stats(CLIENT, "ndiffports")
    assert stats["sessions"] == 1 and stats["opened"] == stats["established"] == 6
    assert stats["closed"] == 6 and stats["lost"] == stats["refused"] == 0
    session.close()


def test_number_is_raised_on_a_session_that_lost_all(mptcp):
    """It lives on for net.mptcp.close_timeout, in which an iterator does not see it."""
    mptcp.attach(CLIENT, "ndiffports", subflows=1)
    session = mptcp.connect()
    session.kill(SERVER, session.subflows(SERVER)[0])
    session.wait_subflows(CLIENT, 0)
    mptcp.set(CLIENT, "ndiffports", subflows=2)
    session.wait_subflows(CLIENT, 2)
    session.wait_subflows(SERVER, 2)
    session.download(200_000)
    session.close()


def test_one_join_on_the_wire_for_each(mptcp):
    mptcp.paths.wire.begin()
    mptcp.attach(CLIENT, "ndiffports", subflows=3)
    session = mptcp.connect()
    session.wait_subflows(CLIENT, 3)
    session.wait_subflows(SERVER, 3)
    syns = [p for p in mptcp.paths.wire.with_option(MP_JOIN) if p.flags == 2]
    assert len(syns) == 2 and {p.source for p in syns} == {CLIENT}
    assert len({p.ports for p in syns}) == 2 and len({p.dst for p in syns}) == 1
    session.close()


def test_as_many_as_there_can_be(mptcp4):
    """With a server that takes them: its program has claimed the session, too."""
    for name in (CLIENT, SERVER):
        mptcp4.attach(name, "ndiffports", subflows=32)
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 32)
    session.download(300_000)
    assert mptcp4.stats(SERVER, "ndiffports")["opened"] == 0, "servers open none"
    assert mptcp4.stats(SERVER, "ndiffports")["established"] == 31
    session.close()


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_a_lost_subflow_is_missed_until_the_number_changes(mptcp4, end):
    mptcp4.attach(CLIENT, "ndiffports", subflows=3)
    session = mptcp4.connect()
    flows = session.wait_subflows(CLIENT, 3)
    session.wait_subflows(SERVER, 3)
    victim = next(sf for sf in session.subflows(end) if not sf.initial)
    session.kill(end, victim)
    session.wait_subflows(CLIENT, 2)
    eventually(lambda: mptcp4.stats(CLIENT, "ndiffports")["lost"] == 1, "counted as lost")
    # Whatever makes it look again does not bring it back.
    mptcp4.set(CLIENT, "ndiffports", retry=500)
    session.exchange()
    assert len(session.subflows(CLIENT)) == 2
    assert mptcp4.stats(CLIENT, "ndiffports")["opened"] == 2
    mptcp4.set(CLIENT, "ndiffports", subflows=4)
    session.wait_subflows(CLIENT, 4)
    session.close()
    assert flows


def test_lost_ones_are_replaced_if_that_is_wanted(mptcp4):
    mptcp4.attach(CLIENT, "ndiffports", subflows=3, replace=1, retry=100)
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 3)
    for _ in range(3):
        ports = {sf.lport for sf in session.subflows(CLIENT)}
        victim = next(sf for sf in session.wait_subflows(SERVER, 3) if not sf.initial)
        session.kill(SERVER, victim)
        eventually(lambda: len(now := session.subflows(CLIENT)) == 3
                   and {sf.lport for sf in now} != ports, "replaced")
    session.download(100_000)
    session.close()


def test_a_server_that_refuses_is_not_asked_again_and_again(mptcp4):
    mptcp4.paths.limits(SERVER, subflows=1)
    mptcp4.attach(CLIENT, "ndiffports", subflows=5)
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 2)
    eventually(lambda: mptcp4.stats(CLIENT, "ndiffports")["lost"] == 3, "three refused")
    session.exchange()
    assert mptcp4.stats(CLIENT, "ndiffports")["opened"] == 4
    session.close()


def test_waits_grow_while_replacing_is_in_vain(mptcp4):
    mptcp4.paths.limits(SERVER, subflows=0)
    before = counter(CLIENT, "MPJoinSynTx")
    mptcp4.attach(CLIENT, "ndiffports", subflows=2, replace=1, retry=100)
    session = mptcp4.connect()
    eventually(lambda: mptcp4.stats(CLIENT, "ndiffports")["lost"] >= 4, "four attempts")
    start = mptcp4.stats(CLIENT, "ndiffports")["opened"]
    for _ in range(5):
        session.exchange()
    assert mptcp4.stats(CLIENT, "ndiffports")["opened"] <= start + 2
    # Another attempt may be under way: asked for, and not sent yet.
    eventually(lambda: counter(CLIENT, "MPJoinSynTx") - before ==
               mptcp4.stats(CLIENT, "ndiffports")["opened"], "a SYN for each")
    session.close()


def test_a_peer_that_denies_joins_to_its_first_address(mptcp4):
    """It is not asked at all."""
    mptcp4.hosts.sysctl(SERVER, "net.mptcp.allow_join_initial_addr_port", 0)
    before = counter(CLIENT, "MPJoinSynTx")
    mptcp4.attach(CLIENT, "ndiffports", subflows=3)
    session = mptcp4.connect()
    mptcp4.set(CLIENT, "ndiffports", subflows=4)
    session.exchange()
    stats = mptcp4.stats(CLIENT, "ndiffports")
    assert (stats["denied"], stats["opened"], stats["refused"]) == (1, 0, 0)
    assert counter(CLIENT, "MPJoinSynTx") == before
    session.close()


def test_server_opens_if_asked_to(mptcp4):
    """To a client that listens where it connected from, as peers of equal rank do."""
    mptcp4.attach(SERVER, "ndiffports", subflows=2)
    session = mptcp4.connect()
    session.exchange()
    assert mptcp4.stats(SERVER, "ndiffports")["opened"] == 0
    mptcp4.set(SERVER, "ndiffports", server=1)
    eventually(lambda: mptcp4.stats(SERVER, "ndiffports")["opened"] == 1, "asked for one")
    session.exchange()
    session.close()


def test_many_sessions_each_have_theirs(mptcp4):
    mptcp4.attach(CLIENT, "ndiffports", subflows=2)
    sessions = [mptcp4.connect() for _ in range(10)]
    eventually(lambda: len(sessions[0].subflows(CLIENT)) == 20, "20 subflows")
    mptcp4.set(CLIENT, "ndiffports", subflows=3)
    eventually(lambda: len(sessions[0].subflows(CLIENT)) == 30, "30 subflows")
    for session in sessions:
        session.exchange()
        session.close()
    stats = mptcp4.stats(CLIENT, "ndiffports")
    assert stats["sessions"] == 10 and stats["opened"] == stats["established"] == 20
