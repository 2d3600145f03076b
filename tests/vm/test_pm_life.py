# SPDX-License-Identifier: GPL-2.0-or-later
"""BPF_MPTCP_CLOSE_SESSION once for each BPF_MPTCP_NEW_SESSION, however a session ends."""
import os
import signal
import socket
import struct

import pytest

import probe as pm
from mptcp import PORT
from net import CLIENT, SERVER, eventually


@pytest.fixture
def probes(mptcp):
    return mptcp.probe(CLIENT), mptcp.probe(SERVER)


def reasons(probe, sessions=1):
    """Why sessions were closed, each told once and under its name."""
    probe.wait(pm.CLOSE_SESSION, sessions)
    new, closed = probe.events(pm.NEW_SESSION), probe.events(pm.CLOSE_SESSION)
    assert sorted(e.loc_token for e in new) == sorted(e.args[0] for e in closed)
    assert len(new) == sessions and len({e.args[0] for e in closed}) == sessions
    return [e.args[1] for e in closed]


def test_in_order(mptcp, probes):
    mptcp.connect().close()
    assert [reasons(probe) for probe in probes] == [[pm.NORMAL], [pm.NORMAL]]


def test_many(mptcp, probes):
    for _ in range(10):
        mptcp.connect().close()
    assert [set(reasons(probe, 10)) for probe in probes] == [{pm.NORMAL}] * 2


def test_aborted(mptcp, probes):
    """Closed with a linger time of 0: MP_FASTCLOSE."""
    session = mptcp.connect()
    session.client.setopt(session.out, socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0).hex())
    session.client.close(session.out)
    assert reasons(probes[0]) == [pm.ABORT]
    session.server.wait_error(session.inn, 20)
    session.server.close(session.inn)
    assert reasons(probes[1]) == [pm.FASTCLOSE]


def test_killed_process(mptcp, make_cgroup):
    """With unread data, and with another subflow under way."""
    cgroup = make_cgroup("doomed")
    client, server = mptcp.probe(CLIENT, cgroup=cgroup), mptcp.probe(SERVER)
    peer = mptcp.peer(CLIENT, cgroup)
    session = mptcp.connect(client=peer)
    order = client.order(pm.TIMER, pm.OPEN)
    client.wake()
    session.server.send(session.inn, 1000)
    os.kill(peer.process.pid, signal.SIGKILL)
    peer.process.wait()
    mptcp.more_peers.remove(peer)
    assert client.result(order) == 0
    reasons(client)
    session.server.wait_error(session.inn, 20)
    session.server.close(session.inn)
    reasons(server)


def test_plain_server(mptcp, probes):
    """No session, so nothing to tell, or one that falls back at once."""
    session = mptcp.connect(port=7300, server_mptcp=False)
    session.close()
    assert len(probes[0].events(pm.NEW_SESSION)) == len(probes[0].events(pm.CLOSE_SESSION))
    assert probes[1].events() == []


def test_options_are_stripped_after_the_handshake(mptcp, probes):
    """By a middlebox, before the peer has shown its key: both ends go on as TCP."""
    client, server = probes
    mptcp.paths.nft(SERVER, f"tcp dport {PORT} tcp flags & syn == 0 reset tcp option mptcp")
    session = mptcp.connect()
    session.upload(50_000)
    session.download(50_000)
    for probe in (client, server):
        eventually(lambda probe=probe: len(probe.events(pm.NEW_SESSION)) ==
                   len(probe.events(pm.CLOSE_SESSION)), "told that it is over")
        assert {e.args[1] for e in probe.events(pm.CLOSE_SESSION)} <= {pm.FALLBACK}
    # The server saw no key, so it has plain TCP from the start.
    assert client.events(pm.CLOSE_SESSION) and not server.events(pm.NEW_SESSION)
    session.close()
    for probe in (client, server):
        assert len(probe.events(pm.NEW_SESSION)) == len(probe.events(pm.CLOSE_SESSION))


def test_reset_of_the_only_subflow(mptcp, probes):
    mptcp.hosts.sysctl(CLIENT, "net.mptcp.close_timeout", 2)
    mptcp.hosts.sysctl(SERVER, "net.mptcp.close_timeout", 2)
    session = mptcp.connect()
    session.kill(SERVER, session.subflows(SERVER)[0])
    for probe in probes:
        probe.wait(pm.SUB_CLOSED)
    session.client.wait_error(session.out, 30)
    session.client.close(session.out)
    session.server.close(session.inn)
    for probe in probes:
        reasons(probe)
