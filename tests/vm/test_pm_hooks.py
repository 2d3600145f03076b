# SPDX-License-Identifier: GPL-2.0-or-later
"""What programs are told of sessions, and path managers of the rest: when, and with what."""
import errno

import pytest

import probe as pm
from mptcp import KINDS, PORT
from net import CLIENT, SERVER, eventually
from paths import MP_JOIN, MP_PRIO, MP_TCPRST, address, ifindex


def both(mptcp, **params):
    return mptcp.probe(CLIENT, **params), mptcp.probe(SERVER, **params)


def other_source(mptcp):
    """Order of a subflow from the client's second address to the server's first."""
    return {"src": pm.sockaddr(address(mptcp.family, 1, CLIENT))}


def joined(mptcp, client, server):
    """A session with a second subflow; the events about that at each end."""
    session = mptcp.connect()
    assert client.now(pm.OPEN, **other_source(mptcp)) == 0
    session.wait_subflows(CLIENT, 2)
    return session, client.wait(pm.SYNACK_RCV), server.wait(pm.ADD_SOCK)


def test_told_of_a_session_at_both_ends(mptcp):
    client, server = both(mptcp)
    session = mptcp.connect()
    session.close()
    for probe in (client, server):
        probe.wait(pm.CLOSE_SESSION)
        assert len(probe.events(pm.MANAGES)) == 1
    far = server.events(pm.NEW_SESSION)[0], client.events(pm.NEW_SESSION)[0]
    for probe, side in ((client, 0), (server, 1)):
        new, full, closed = (probe.events(op) for op in pm.OF_ALL)
        assert len(new) == len(full) == len(closed) == 1
        assert new[0].args[0] == side and full[0].args[:2] == [1, 1]
        assert closed[0].args[:2] == [new[0].loc_token, pm.NORMAL]
        assert len({e.loc_token for e in probe.events()}) == 1
        assert len({e.netns for e in probe.events()}) == 1
        assert full[0].rem_token == far[side].loc_token  # a client has no key of it before
        assert new[0].loc_key and full[0].rem_key == far[side].loc_key
        wanted = pm.SERVER_SIDE * side | pm.INET6 * (mptcp.kind != "ipv4")
        assert new[0].flags & ~pm.FULLY == wanted
        assert new[0].has_sk and full[0].has_sk and full[0].loaded == 0
    near, far = (address(mptcp.family, 0, name) for name in (CLIENT, SERVER))
    for probe, local, remote in ((client, near, far), (server, far, near)):
        sf = probe.events(pm.FULLY_ESTABLISHED)[0].subflow
        assert (str(sf.local.address), str(sf.remote.address)) == (local, remote)
        assert (sf.local if probe is server else sf.remote).port == PORT
        assert sf.id == 1 and sf.flags & pm.INITIAL
        assert bool(sf.flags & pm.ACTIVE) == (probe is client)


def test_token_is_what_ss_shows(mptcp4):
    client, server = both(mptcp4)
    session, _, _ = joined(mptcp4, client, server)
    for name, probe in ((CLIENT, client), (SERVER, server)):
        sf = next(sf for sf in session.subflows(name) if not sf.initial)
        event = probe.wait(pm.FULLY_ESTABLISHED)
        assert sf.token == event.loc_token
        assert sf.remote_token == (event.rem_token if name == CLIENT else 0)


def test_subflow_that_joins(mptcp):
    client, server = both(mptcp)
    session, mine, theirs = joined(mptcp, client, server)
    assert mine.args == [2, 0, ifindex(CLIENT, "eth1")]
    assert theirs.args == [2, 0, ifindex(SERVER, "eth1")]
    for event, probe, active in ((mine, client, True), (theirs, server, False)):
        sf = event.subflow
        local, remote = (sf.local, sf.remote) if active else (sf.remote, sf.local)
        assert str(local.address) == address(mptcp.family, 1, CLIENT)
        assert str(remote.address) == address(mptcp.family, 0, SERVER)
        assert local.id > 0 and remote.id == 0 and sf.id == 2
        assert bool(sf.flags & pm.ACTIVE) == active and not sf.flags & pm.INITIAL
        # Programs of type sock_ops only if one has an option in the session.
        assert len(probe.events(pm.FULLY_ESTABLISHED)) == 1
    request, = server.events(pm.SUB_REQUEST)
    assert request.loc_token == server.events(pm.NEW_SESSION)[0].loc_token
    assert request.args == [0, mine.subflow.local.id, 0]
    assert request.subflow.remote.id == mine.subflow.local.id
    assert str(request.subflow.remote.address) == address(mptcp.family, 1, CLIENT)
    session.exchange()


def test_join_refused(mptcp):
    """By a RST that says why; the other end is told that it failed."""
    client, server = mptcp.probe(CLIENT), mptcp.probe(SERVER, refuse=1)
    mptcp.paths.wire.begin()
    session = mptcp.connect()
    assert client.now(pm.OPEN) == 0
    event = client.wait(pm.SUB_CLOSED)
    assert event.args[1:] == [pm.FAILED, errno.ECONNREFUSED] and not event.subflow.state == 1
    resets = [p for p in mptcp.paths.wire.with_option(MP_TCPRST) if p.flags & 4]
    assert [p.source for p in resets] == [SERVER]
    assert [int(v, 16) for v in resets[0].field("rst_reason")] == [3]  # prohibited
    assert server.events(pm.SUB_REQUEST) and not server.events(pm.ADD_SOCK)
    session.exchange()
    assert len(session.subflows(CLIENT)) == 1


def test_backup_join_is_told(mptcp):
    client, server = both(mptcp)
    mptcp.connect()
    assert client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size,
                      subflow=pm.Subflow(flags=pm.BACKUP)) == 0
    assert server.wait(pm.SUB_REQUEST).args[2] == 1
    assert server.wait(pm.ADD_SOCK).subflow.flags & pm.PEER_BACKUP
    assert client.wait(pm.SYNACK_RCV).subflow.flags & pm.BACKUP


def test_priority_changed_by_the_peer(mptcp):
    client, server = both(mptcp)
    session, mine, theirs = joined(mptcp, client, server)
    mptcp.paths.wire.begin()
    for backup, number in ((1, 1), (0, 2)):
        assert client.now(pm.SET_BACKUP, a=mine.args[0], b=backup) == 0
        event = server.wait(pm.SUB_PRIORITY, number)
        assert event.args[:2] == [theirs.args[0], backup]
        assert bool(event.subflow.flags & pm.PEER_BACKUP) == bool(backup)
        eventually(lambda backup=backup: any(sf.backup == bool(backup) for sf in
                   session.subflows(CLIENT) if not sf.initial), "as ss shows it")
    prio = mptcp.paths.wire.with_option(MP_PRIO)
    assert {p.source for p in prio} == {CLIENT} and len(prio) >= 2
    assert server.now(pm.SET_BACKUP, a=theirs.args[0], b=1) == 0
    assert client.wait(pm.SUB_PRIORITY).args[:2] == [mine.args[0], 1]
    session.exchange()


def test_closed_by_either_end(mptcp):
    """FIN at the other end."""
    client, server = both(mptcp)
    session, mine, theirs = joined(mptcp, client, server)
    assert client.now(pm.CLOSE, a=mine.args[0]) == 0
    event = server.wait(pm.SUB_CLOSED)
    assert event.args[:2] == [theirs.args[0], pm.FIN] and event.subflow.id == theirs.args[0]
    assert str(event.subflow.remote.address) == address(mptcp.family, 1, CLIENT)
    session.wait_subflows(CLIENT, 1)
    assert client.now(pm.OPEN) == 0
    session.wait_subflows(SERVER, 2)
    again = server.wait(pm.ADD_SOCK, 2)
    assert server.now(pm.CLOSE, a=again.args[0]) == 0
    assert client.wait(pm.SUB_CLOSED).args[1] == pm.FIN
    session.exchange()
    # Who closes one is not told of it.
    assert len(client.events(pm.SUB_CLOSED)) == len(server.events(pm.SUB_CLOSED)) == 1


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_killed_at_either_end(mptcp, end):
    client, server = both(mptcp)
    session, mine, theirs = joined(mptcp, client, server)
    session.wait_subflows(SERVER, 2)
    victim = next(sf for sf in session.subflows(end) if not sf.initial)
    session.kill(end, victim)
    here, there = (client, server) if end == CLIENT else (server, client)
    event = here.wait(pm.SUB_CLOSED)
    assert event.args[1:] == [pm.LOCAL, errno.ECONNABORTED]
    assert event.args[0] == (mine if end == CLIENT else theirs).args[0]
    event = there.wait(pm.SUB_CLOSED)
    assert event.args[1] == pm.RST and event.args[2] & 0xff == 0
    assert event.args[0] == (theirs if end == CLIENT else mine).args[0]
    session.exchange()


def test_initial_subflow_killed(mptcp):
    """The session goes on, and still has a name."""
    client, server = both(mptcp)
    session, _, _ = joined(mptcp, client, server)
    session.kill(SERVER, next(sf for sf in session.wait_subflows(SERVER, 2) if sf.initial))
    event = client.wait(pm.SUB_CLOSED)
    assert event.args[:2] == [1, pm.RST] and event.subflow.flags & pm.INITIAL
    session.exchange()
    assert [sf.id for sf in client.walk() if sf.state == 1] == [2]
    assert client.now(pm.OPEN, **other_source(mptcp)) == 0
    session.wait_subflows(CLIENT, 2)
    session.exchange()
    session.close()
    token = client.events(pm.NEW_SESSION)[0].loc_token
    assert {e.loc_token for e in client.events()} == {token}
    assert client.wait(pm.CLOSE_SESSION).args[0] == token


def test_subflow_that_times_out(mptcp4):
    """Its path is dead; the other one carries the data."""
    mptcp4.hosts.sysctl(CLIENT, "net.ipv4.tcp_retries2", 3)
    client, server = both(mptcp4)
    session, mine, _ = joined(mptcp4, client, server)
    mptcp4.paths.nft(SERVER, "iifname eth1 drop")
    mptcp4.paths.nft(CLIENT, "iifname eth1 drop")
    for _ in range(20):
        session.upload(200_000)
        if client.events(pm.SUB_CLOSED):
            break
    event = client.wait(pm.SUB_CLOSED, timeout=60)
    assert event.args == [mine.args[0], pm.TIMEOUT, errno.ETIMEDOUT]


def test_stale_subflow_is_shown(mptcp4):
    """From several retransmissions without an answer on, until there is one."""
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.stale_loss_cnt", 1)
    client, server = both(mptcp4)
    session, mine, _ = joined(mptcp4, client, server)
    # So that nothing goes anywhere else while this one is not stale.
    assert client.now(pm.SET_BACKUP, a=1, b=1) == 0

    def stale():
        session.upload(200_000)
        return [sf.id for sf in client.walk() if sf.flags & pm.STALE]
    assert not stale()
    mptcp4.paths.nft(SERVER, "iifname eth1 drop")
    assert eventually(stale, "stale") == [mine.args[0]]
    mptcp4.paths.undo.pop()()
    eventually(lambda: not stale(), "not any more", 60)


def test_what_the_application_reads(mptcp):
    client = mptcp.probe(CLIENT)
    session = mptcp.connect()
    session.download(100_000)
    events = client.events(pm.RECV)
    counts = [e.args[0] | e.args[1] << 32 for e in events]
    assert counts == sorted(counts) and counts[-1] == 101_000
    assert all(e.walked == 1 for e in events)


def test_told_if_an_option_is_there(mptcp):
    """Programs of type sock_ops hear of subflows then, and path managers as ever."""
    client, server = both(mptcp)
    mptcp.attach(CLIENT, "pmfault", watch=1)
    session, mine, theirs = joined(mptcp, client, server)
    assert client.wait(pm.FULLY_ESTABLISHED, 2).args[:2] == [0, mine.args[0]]
    assert server.now(pm.SET_BACKUP, a=theirs.args[0], b=1) == 0
    for op in (pm.TOLD_SUB_PRIORITY, pm.SUB_PRIORITY):
        assert client.wait(op).args[:2] == [mine.args[0], 1]
    session.kill(SERVER, next(sf for sf in session.wait_subflows(SERVER, 2) if not sf.initial))
    for op in (pm.TOLD_SUB_CLOSED, pm.SUB_CLOSED):
        event = client.wait(op)
        assert event.args[:2] == [mine.args[0], pm.RST] and event.subflow.id == mine.args[0]
    told = {e.op for e in server.events()}
    assert not told & {pm.TOLD_SUB_PRIORITY, pm.TOLD_SUB_CLOSED}
    session.exchange()


def test_addresses_of_the_peer_if_nothing_was_chosen(mptcp):
    """For programs of type sock_ops, which can open there."""
    client, server = mptcp.probe(CLIENT, claim_at=0), mptcp.probe(SERVER)
    order = client.order(pm.TOLD_ADD_RADDR, pm.OPEN)
    session = mptcp.connect()
    there = address(mptcp.family, 1, SERVER)
    number = server.now(pm.SIGNAL, a=pm.ADDR.size, subflow=pm.Subflow(local=pm.Addr(there)))
    event = client.wait(pm.TOLD_ADD_RADDR)
    assert event.args[0] == number and str(event.subflow.remote.address) == there
    assert client.result(order) == 0
    # The in-kernel path manager follows the address, too.
    session.wait_subflows(CLIENT, 3)
    assert server.now(pm.WITHDRAW, a=number) == 0
    assert client.wait(pm.TOLD_REM_RADDR).args[0] == number


def test_every_pair_of_kinds_meets(mptcp4):
    """Sockets of either family, one server of both."""
    client, server = both(mptcp4)
    for number, kind in enumerate(("mapped", "ipv6"), 1):
        session = mptcp4.connect(kind=kind, port=7400 + number)
        session.exchange()
        session.close()
        server.wait(pm.CLOSE_SESSION, number)
    session = mptcp4.connect(address=KINDS["ipv4"][1], kind="mapped", port=7500)
    session.close()
    server.wait(pm.CLOSE_SESSION, 3)
    assert len(client.events(pm.NEW_SESSION)) == len(server.events(pm.NEW_SESSION)) == 3
    assert MP_JOIN not in [s for p in mptcp4.paths.wire.packets() for s in p.subtypes][:1]
