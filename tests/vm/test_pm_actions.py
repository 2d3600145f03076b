# SPDX-License-Identifier: GPL-2.0-or-later
"""What path managers can do: open, close, announce, withdraw; and how that fails."""
import errno
import ipaddress
import time

import pytest

import probe as pm
from mptcp import PORT, counter
from net import CLIENT, SERVER, SYN, eventually
from paths import ADD_ADDR, MP_JOIN, RM_ADDR, address, ifindex

FAR_AWAY = {4: "192.0.2.1", 6: "2001:db8::1"}


@pytest.fixture
def probes(mptcp):
    return mptcp.probe(CLIENT), mptcp.probe(SERVER)


def at(mptcp, path, name):
    return address(mptcp.family, path, name)


def test_open_with_any_of_the_four_missing(mptcp, probes):
    """Addresses and ports are those of the session, or the kernel's choice."""
    client, server = probes
    session = mptcp.connect()
    first, second = (at(mptcp, path, CLIENT) for path in (0, 1))
    there, other = (at(mptcp, path, SERVER) for path in (0, 1))
    family = mptcp.family
    any_address = "0.0.0.0" if family == 4 else "::"
    for named, pair, port in (
            ({}, (first, there), None),
            ({"src": pm.sockaddr(second)}, (second, there), None),
            ({"src": pm.sockaddr(any_address, 40_001)}, (first, there), 40_001),
            ({"src": pm.sockaddr(second, 40_002)}, (second, there), 40_002),
            ({"dst": pm.sockaddr(there)}, (first, there), None),
            ({"dst": pm.sockaddr(any_address, PORT)}, (first, there), None),
            ({"src": pm.sockaddr(second), "dst": pm.sockaddr(other, PORT)}, (second, other), None)):
        number = len(client.events(pm.SYNACK_RCV)) + 1
        assert client.now(pm.OPEN, **named) == 0, named
        sf = client.wait(pm.SYNACK_RCV, number).subflow
        assert (str(sf.local.address), str(sf.remote.address)) == pair, named
        assert sf.remote.port == PORT and port in (None, sf.local.port), named
    session.wait_subflows(SERVER, 8)
    server.wait(pm.ADD_SOCK, 7)
    session.exchange()


def test_source_is_routing_s_choice_for_another_destination(mptcp, probes):
    client, _ = probes
    session = mptcp.connect()
    other = at(mptcp, 1, SERVER)
    assert client.now(pm.OPEN, dst=pm.sockaddr(other)) == 0
    sf = client.wait(pm.SYNACK_RCV).subflow
    assert (str(sf.local.address), str(sf.remote.address)) == (at(mptcp, 1, CLIENT), other)
    session.exchange()


def test_open_with_interface_backup_and_ids(mptcp, probes):
    client, server = probes
    session = mptcp.connect()
    wanted = pm.Subflow(local=pm.Addr(at(mptcp, 1, CLIENT), number=77),
                        remote=pm.Addr(at(mptcp, 0, SERVER)), flags=pm.BACKUP,
                        ifindex=ifindex(CLIENT, "eth1"))
    assert client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size, subflow=wanted) == 0
    sf = client.wait(pm.SYNACK_RCV).subflow
    assert sf.local.id == 77 and sf.flags & pm.BACKUP
    far = server.wait(pm.ADD_SOCK).subflow
    assert far.remote.id == 77 and far.flags & pm.PEER_BACKUP
    shown = next(one for one in session.wait_subflows(CLIENT, 2) if not one.initial)
    assert shown.backup and shown.local_id == 77
    # That id is taken now.
    other, *more = ("10.9.1.8",) if mptcp.family == 4 else ("fd09:1::8", "nodad")
    wanted.local = pm.Addr(other, number=77)
    assert client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size, subflow=wanted) == -errno.EADDRNOTAVAIL
    mptcp.paths.add_address(CLIENT, other, 1, *more)
    assert client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size, subflow=wanted) == -errno.EEXIST


@pytest.mark.parametrize("length", [1, 3, 8, 15])
def test_bad_lengths(mptcp4, length):
    client = mptcp4.probe(CLIENT)
    mptcp4.connect()
    assert client.now(pm.OPEN_SUBFLOW, a=length) == -errno.EINVAL
    assert client.now(pm.SIGNAL, a=length) == -errno.EINVAL


@pytest.mark.parametrize("length", [1, 3, 8, 15])
def test_bad_lengths_of_sock_ops(mptcp4, length):
    client = mptcp4.probe(CLIENT, claim_at=0)
    sockaddr = pm.sockaddr("10.9.0.1")
    orders = [client.order(pm.FULLY_ESTABLISHED, action, **named) for action, named in (
        (pm.OPEN, {"src": sockaddr, "src_len": length}),
        (pm.OPEN, {"dst": sockaddr, "dst_len": length}), (pm.LOAD, {"b": length}))]
    mptcp4.connect()
    assert [client.result(order) for order in orders] == [-errno.EINVAL] * 3


def test_open_of_sock_ops(mptcp):
    """By addresses and ports, of which any may be missing; with bad ones."""
    client = mptcp.probe(CLIENT, claim_at=0)
    mptcp.probe(SERVER)
    first, second = (at(mptcp, path, CLIENT) for path in (0, 1))
    there, other = (at(mptcp, path, SERVER) for path in (0, 1))
    unix = b"\1\0" + bytes(26)
    good = [client.order(pm.FULLY_ESTABLISHED, pm.OPEN, **named) for named in (
        {}, {"src": pm.sockaddr(second, 40_002)}, {"dst": pm.sockaddr(other)},
        {"src": pm.sockaddr(first), "dst": pm.sockaddr(there, PORT)})]
    bad = [client.order(pm.FULLY_ESTABLISHED, pm.OPEN, **named) for named in (
        {"src": unix}, {"dst": unix}, {"src": pm.sockaddr("10.9.0.1"), "dst": pm.sockaddr("fd09::2")},
        {"src": pm.sockaddr(FAR_AWAY[mptcp.family])})]
    session = mptcp.connect()
    assert [client.result(order) for order in good] == [0] * 4
    assert [client.result(order) for order in bad] == [-errno.EAFNOSUPPORT] * 3 + [
        -errno.EADDRNOTAVAIL]
    session.wait_pairs(CLIENT, [(first, there), (first, there), (first, there), (second, there),
                                (second, other)])
    assert "40002" in {sf.lport for sf in session.subflows(CLIENT)}
    session.exchange()


def test_bad_families_and_addresses(mptcp, probes):
    client, _ = probes
    mptcp.connect()
    unix = b"\1\0" + bytes(26)
    assert client.now(pm.OPEN, src=unix) == -errno.EAFNOSUPPORT
    assert client.now(pm.OPEN, dst=unix) == -errno.EAFNOSUPPORT
    assert client.now(pm.OPEN, src=pm.sockaddr("10.9.0.1"),
                      dst=pm.sockaddr("fd09::2")) == -errno.EAFNOSUPPORT
    if mptcp.kind == "ipv4":
        assert client.now(pm.OPEN, dst=pm.sockaddr("fd09::2")) == -errno.EAFNOSUPPORT
    assert client.now(pm.OPEN, src=pm.sockaddr(FAR_AWAY[mptcp.family])) == -errno.EADDRNOTAVAIL
    odd = pm.Subflow(flags=pm.INITIAL)
    assert client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size, subflow=odd) == -errno.EINVAL
    assert client.now(pm.WITHDRAW, a=256) == -errno.EINVAL
    assert client.now(pm.SIGNAL, a=pm.ADDR.size) == -errno.EINVAL, "no address"


def join_syns(mptcp, source):
    """Those of the wire since the last look at it."""
    return [p for p in mptcp.paths.wire.with_option(MP_JOIN, source) if p.flags == SYN]


def test_too_early(mptcp):
    """A client lacks the peer's key then; a server has it and waits for accept() only."""
    client, server = (mptcp.probe(name, claim_at=0) for name in (CLIENT, SERVER))
    orders = [probe.order(pm.NEW_SESSION, pm.OPEN) for probe in (client, server)]
    mptcp.paths.wire.begin()
    out, accept = mptcp.connect_unaccepted()
    assert client.result(orders[0]) == -errno.EAGAIN
    assert server.result(orders[1]) == 0
    assert not join_syns(mptcp, CLIENT) + join_syns(mptcp, SERVER)
    session = accept()
    # The client does not listen at the port that it connected from.
    port = mptcp.hosts.peers[CLIENT].local_port(out)
    seen = eventually(lambda: join_syns(mptcp, SERVER), "a SYN")
    assert {p.ports[1] for p in seen} == {port}
    session.exchange()


def test_no_more_than_there_can_be(mptcp4):
    client = mptcp4.probe(CLIENT)
    mptcp4.probe(SERVER)
    session = mptcp4.connect()
    orders = [client.order(pm.TIMER, pm.OPEN) for _ in range(33)]
    client.wake()
    # 32 tries in one operation
    assert [client.result(order) for order in orders] == [0] * 31 + [-errno.ENOSPC, -errno.EAGAIN]
    session.wait_subflows(CLIENT, 32)
    assert client.now(pm.OPEN) == -errno.ENOSPC
    session.download(100_000)


def test_no_more_than_there_can_be_of_sock_ops(mptcp4):
    client = mptcp4.probe(CLIENT, claim_at=0)
    mptcp4.probe(SERVER)
    orders = [client.order(pm.FULLY_ESTABLISHED, pm.OPEN) for _ in range(33)]
    session = mptcp4.connect()
    assert [client.result(order) for order in orders] == [0] * 31 + [-errno.ENOSPC] * 2
    session.wait_subflows(CLIENT, 32)
    session.download(100_000)


def test_failure_is_told_with_its_errno(mptcp, probes):
    """Nobody listens there; the event says what was asked for."""
    client, _ = probes
    mptcp.connect()
    there = at(mptcp, 1, SERVER)
    assert client.now(pm.OPEN, dst=pm.sockaddr(there, 9)) == 0
    event = client.wait(pm.SUB_CLOSED)
    assert event.args[1:] == [pm.FAILED, errno.ECONNREFUSED]
    assert str(event.subflow.remote.address) == there and event.subflow.remote.port == 9
    # A port that is taken already fails before anything is sent.
    port = client.events(pm.FULLY_ESTABLISHED)[0].subflow.local.port
    taken = pm.sockaddr(at(mptcp, 0, CLIENT), port)
    # For some time after a failure nothing is opened.
    assert client.now(pm.OPEN, src=taken) == -errno.EAGAIN
    assert eventually(lambda: (result := client.now(pm.OPEN, src=taken)) != -errno.EAGAIN and result,
                      "later") in (-errno.EADDRINUSE, -errno.EADDRNOTAVAIL)


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_announce_and_withdraw(mptcp, probes, end):
    """ADD_ADDR and RM_ADDR on the wire, told at the other end, subflows closed."""
    here, there = probes if end == CLIENT else probes[::-1]
    mptcp.paths.wire.begin()
    session = mptcp.connect()
    family = mptcp.family
    told = [FAR_AWAY[family], at(mptcp, 1, end), "10.9.0.77" if family == 4 else "fd09::77"]
    ids = []
    for number, one in enumerate(told, 1):
        ids.append(here.now(pm.SIGNAL, a=pm.ADDR.size, subflow=pm.Subflow(local=pm.Addr(one))))
        event = there.wait(pm.ADD_RADDR, number)
        assert event.args[0] == ids[-1] > 0 and str(event.subflow.remote.address) == one
    assert len(set(ids)) == 3
    sent = [p for p in mptcp.paths.wire.with_option(ADD_ADDR, end) if p.field("echo") == ["0"]]
    assert {(p.field("ipv4") + p.field("ipv6"))[0] for p in sent} == set(told)
    assert here.now(pm.WITHDRAW, a=ids[0]) == 0
    assert there.wait(pm.REM_RADDR).args[0] == ids[0]
    assert {int(v) for p in mptcp.paths.wire.with_option(RM_ADDR, end)
            for v in p.field("addrid")} == {ids[0]}
    session.exchange()


def test_announce_with_port_and_id(mptcp, probes):
    client, server = probes
    if mptcp.family == 6:  # 32 bytes, for which timestamps leave no room
        mptcp.hosts.sysctl(CLIENT, "net.ipv4.tcp_timestamps", 0)
    mptcp.connect()
    addr = pm.Addr(at(mptcp, 1, SERVER), port=7777, number=42)
    assert server.now(pm.SIGNAL, a=pm.ADDR.size, subflow=pm.Subflow(local=addr)) == 42
    event = client.wait(pm.ADD_RADDR)
    assert event.args[:2] == [42, 7777] and event.subflow.remote.port == 7777
    first = pm.Subflow(local=pm.Addr(at(mptcp, 0, SERVER)))
    assert server.now(pm.SIGNAL, a=pm.ADDR.size, subflow=first) == -errno.EEXIST


def test_announcement_that_never_fits(mptcp4):
    """IPv6 and a port, beside timestamps: refused, and not in the way of others."""
    client, server = mptcp4.probe(CLIENT), mptcp4.probe(SERVER)
    mptcp4.connect()
    dropped = counter(SERVER, "AddAddrTxDrop")
    orders = [server.order(pm.TIMER, pm.SIGNAL, a=pm.ADDR.size, subflow=pm.Subflow(local=one))
              for one in (pm.Addr(FAR_AWAY[6], port=7777), pm.Addr(FAR_AWAY[6]))]
    server.wake()
    refused, number = [server.result(order) for order in orders]
    assert refused == -errno.EMSGSIZE and number > 0
    event = client.wait(pm.ADD_RADDR)
    assert (event.args[0], event.subflow.remote.port) == (number, 0)
    assert counter(SERVER, "AddAddrTxDrop") == dropped


def test_several_announcements_at_once(mptcp4):
    """Sent one after the other, though asked for in one go."""
    client, server = mptcp4.probe(CLIENT), mptcp4.probe(SERVER)
    session = mptcp4.connect()
    told = [f"10.9.0.{n}" for n in range(50, 56)]
    orders = [server.order(pm.TIMER, pm.SIGNAL, a=pm.ADDR.size,
                           subflow=pm.Subflow(local=pm.Addr(one))) for one in told]
    server.wake()
    ids = [server.result(order) for order in orders]
    assert len(set(ids)) == len(told) and min(ids) > 0
    client.wait(pm.ADD_RADDR, len(told))
    heard = {str(e.subflow.remote.address): e.args[0] for e in client.events(pm.ADD_RADDR)}
    assert heard == dict(zip(told, ids))
    session.exchange()


def test_withdrawing_closes_the_peers_subflows(mptcp, probes):
    client, server = probes
    session = mptcp.connect()
    there = at(mptcp, 1, SERVER)
    number = server.now(pm.SIGNAL, a=pm.ADDR.size, subflow=pm.Subflow(local=pm.Addr(there)))
    remote = client.wait(pm.ADD_RADDR).subflow.remote
    assert client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size,
                      subflow=pm.Subflow(remote=pm.Addr(there, number=remote.id))) == 0
    session.wait_subflows(CLIENT, 2)
    session.wait_subflows(SERVER, 2)
    assert server.now(pm.WITHDRAW, a=number) == 0
    session.wait_subflows(CLIENT, 1)
    assert client.wait(pm.SUB_CLOSED).subflow.remote.id == number
    session.exchange()


def test_wake_after_a_time(mptcp4):
    client = mptcp4.probe(CLIENT)
    mptcp4.connect()
    before = len(client.events(pm.TIMER))
    start = time.monotonic()
    assert client.now(pm.DO_WAKE, a=1500) == 0
    client.wait(pm.TIMER, before + 2)
    assert time.monotonic() - start >= 1.4
    assert all(e.walked == 1 for e in client.events(pm.TIMER))


def test_wake_of_sock_ops_after_a_time(mptcp4):
    client = mptcp4.probe(CLIENT, claim_at=0)
    client.order(pm.FULLY_ESTABLISHED, pm.DO_WAKE, a=1500)
    start = time.monotonic()
    mptcp4.connect()
    event = client.wait(pm.WAKE)
    assert time.monotonic() - start >= 1.4
    assert event.has_sk and event.first == 0 and event.walked == 1


def test_calls_of_sock_ops_that_need_the_session_locked(mptcp4):
    """Elsewhere they are refused, but for what is about the callback's own subflow."""
    client = mptcp4.probe(CLIENT, claim_at=0)
    calls = ((pm.SCHEDULER, {"src": b"redundant\0"}), (pm.IDLE, {"a": 5000}),
             (pm.CLOSE, {"a": 7}), (pm.SET_BACKUP, {"a": 7, "b": 1}), (pm.SET_BACKUP, {"a": 1}))
    early = [client.order(pm.FULLY_ESTABLISHED, action, **named) for action, named in calls]
    client.order(pm.FULLY_ESTABLISHED, pm.DO_WAKE)
    late = [client.order(pm.WAKE, action, **named) for action, named in calls]
    late.append(client.order(pm.WAKE, pm.IDLE, a=1 << 31))
    mptcp4.connect().exchange()
    assert [client.result(order) for order in early] == [-errno.EPERM] * 4 + [0]
    assert [client.result(order) for order in late] == [
        0, 0, -errno.ENOENT, -errno.ENOENT, 0, -errno.EINVAL]


def test_walk_shows_what_ss_shows(mptcp, probes):
    client, _ = probes
    session = mptcp.connect()
    for _ in range(3):
        assert client.now(pm.OPEN, src=pm.sockaddr(at(mptcp, 1, CLIENT))) == 0
    shown = session.wait_subflows(CLIENT, 4)
    walked = eventually(lambda: [sf for sf in client.walk() if sf.state == 1], "subflows")
    assert {(str(sf.local.address), str(sf.local.port), sf.local.id) for sf in walked} == \
        {(str(ipaddress.ip_address(sf.local)), sf.lport, sf.local_id) for sf in shown}
    assert [sf.id for sf in walked] == [1, 2, 3, 4]
