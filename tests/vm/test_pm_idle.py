# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a session without subflows is kept, when a path manager says so."""
import errno
import time

import pytest

import probe as pm
from net import CLIENT, SERVER, PeerError, digest, eventually
from paths import address

LONG = 100_000  # ms; nothing ends by itself in a test


def other(end):
    return SERVER if end == CLIENT else CLIENT


class Lone:
    """A session with a program at one end, whose subflows are reset from the other."""

    def __init__(self, mptcp, end=CLIENT):
        self.mptcp, self.end = mptcp, end
        self.probe = mptcp.probe(end)
        # Subflows are the client's to open.
        self.opener = self.probe if end == CLIENT else mptcp.probe(CLIENT)
        self.session = mptcp.connect()
        self.peer, self.sid = ((self.session.client, self.session.out) if end == CLIENT else
                               (self.session.server, self.session.inn))

    def idle(self, msecs):
        assert self.probe.now(pm.IDLE, a=msecs) == 0

    def lose(self):
        gone = len(self.probe.events(pm.SUB_CLOSED))
        for sf in self.session.subflows(other(self.end)):
            self.session.kill(other(self.end), sf)
        self.probe.wait(pm.SUB_CLOSED, gone + 1)

    def ends(self, timeout=30.0):
        """errno and seconds until then, or None."""
        return self.peer.wait_error(self.sid, timeout)


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_ends_after_the_time_and_not_before(mptcp, end):
    lone = Lone(mptcp, end)
    lone.idle(5000)
    lone.lose()
    assert lone.ends(1) is None
    err, took = lone.ends()
    assert err == errno.ETIMEDOUT and took > 0.1
    # Once told, it is at its end, as a TCP connection is.
    assert lone.peer.recv_eof(lone.sid) == 0
    assert lone.probe.wait(pm.SUB_CLOSED)
    lone.peer.close(lone.sid)
    assert lone.probe.wait(pm.CLOSE_SESSION).args[1] == pm.ABORT


@pytest.mark.parametrize("op", ["recv", "send"])
def test_blocked_calls_return_it(mptcp4, op):
    """recv() of nothing, send() of more than there is room for."""
    lone = Lone(mptcp4)
    lone.idle(2000)
    lone.peer.start(op, lone.sid, 30_000_000)
    if op == "send":
        eventually(lambda: lone.session.subflows(SERVER)[0].received > 100_000, "data")
    lone.lose()
    with pytest.raises(PeerError) as error:
        lone.peer.wait()
    assert error.value.errno == errno.ETIMEDOUT


@pytest.mark.parametrize("op", ["recv", "send"])
def test_later_calls_return_it(mptcp4, op):
    lone = Lone(mptcp4)
    lone.idle(1)
    lone.lose()
    eventually(lambda: not lone.session.subflows(CLIENT), "end")
    time.sleep(2)  # nothing but the call itself shows the error, once
    with pytest.raises(PeerError) as error:
        getattr(lone.peer, op)(lone.sid, 1000)
    assert error.value.errno == errno.ETIMEDOUT


def test_data_that_came_is_read_first(mptcp4):
    lone = Lone(mptcp4)
    lone.idle(500)
    lone.session.server.send(lone.session.inn, 1000)
    lone.lose()
    assert lone.ends()[0] == errno.ETIMEDOUT
    assert lone.peer.recv(lone.sid, 1000) == digest(1000)


def test_without_it_all_is_as_ever(mptcp4):
    """The sysctl's time, and no error."""
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.close_timeout", 2)
    lone = Lone(mptcp4)
    lone.lose()
    err, took = lone.ends()
    assert err == 0 and took > 0.1
    with pytest.raises(PeerError) as error:
        lone.peer.recv(lone.sid, 1)
    assert error.value.errno == errno.ENOTCONN


def test_zero_is_the_sysctl_again(mptcp4):
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.close_timeout", 3)
    lone = Lone(mptcp4)
    lone.idle(1)
    lone.idle(0)
    lone.lose()
    assert lone.ends(1) is None
    assert lone.ends()[0] == 0


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_set_while_there_is_none(mptcp, end):
    """It is over by then, so that it ends at once; and so in a session that waits long."""
    lone = Lone(mptcp, end)
    lone.idle(LONG)
    lone.lose()
    lone.idle(100)
    assert lone.ends()[0] == errno.ETIMEDOUT


def test_made_longer_while_there_is_none(mptcp4):
    lone = Lone(mptcp4)
    lone.idle(4000)
    lone.lose()
    lone.idle(LONG)
    assert lone.ends(5) is None


def test_zero_while_there_is_none(mptcp4):
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.close_timeout", 3)
    lone = Lone(mptcp4)
    lone.idle(LONG)
    lone.lose()
    lone.idle(0)
    assert lone.ends()[0] == 0


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_one_that_joins_in_time_saves_it(mptcp4, end):
    """The clock starts again when that one is gone, too."""
    lone = Lone(mptcp4, end)
    lone.idle(6000)
    assert lone.opener.now(pm.DO_WAKE, a=2000) == 0
    lone.opener.order(pm.TIMER, pm.OPEN)
    lone.lose()
    lone.session.wait_subflows(end, 1)
    assert lone.ends(7) is None
    lone.session.exchange()
    lone.lose()
    assert lone.ends(1) is None
    assert lone.ends()[0] == errno.ETIMEDOUT


def test_attempts_do_not_make_it_longer(mptcp4):
    """SYNs that nobody answers: the attempt would go on for two minutes."""
    lone = Lone(mptcp4)
    lone.idle(4000)
    mptcp4.paths.nft(SERVER, "tcp flags & (syn|ack) == syn drop")
    assert lone.probe.now(pm.DO_WAKE, a=2500) == 0
    lone.probe.order(pm.TIMER, pm.OPEN)
    lone.lose()
    eventually(lambda: lone.session.subflows(CLIENT, "syn-sent"), "an attempt")
    assert lone.ends(20)[0] == errno.ETIMEDOUT
    assert not lone.session.subflows(CLIENT, "syn-sent")


def test_an_attempt_from_before_does_not_either(mptcp4):
    """It is all that is left of the session when the last subflow goes."""
    lone = Lone(mptcp4)
    lone.idle(4000)
    mptcp4.paths.nft(SERVER, "tcp flags & (syn|ack) == syn drop")
    assert lone.probe.now(pm.OPEN) == 0
    eventually(lambda: lone.session.subflows(CLIENT, "syn-sent"), "an attempt")
    lone.lose()
    assert lone.ends(20)[0] == errno.ETIMEDOUT
    assert not lone.session.subflows(CLIENT, "syn-sent")


def test_refused_attempts_do_not_make_it_longer(mptcp4):
    lone = Lone(mptcp4)
    lone.idle(4000)
    for _ in range(2):
        lone.probe.order(pm.SUB_CLOSED, pm.OPEN,
                         dst=pm.sockaddr(address(4, 0, SERVER), 9))
    lone.probe.order(pm.SUB_CLOSED, pm.DO_WAKE, a=2000)
    lone.probe.order(pm.TIMER, pm.OPEN, dst=pm.sockaddr(address(4, 0, SERVER), 9))
    lone.lose()
    err, took = lone.ends(20)
    assert err == errno.ETIMEDOUT and took < 8
    assert len(lone.probe.events(pm.SUB_CLOSED)) >= 3


def test_bounds(mptcp4):
    client = mptcp4.probe(CLIENT)
    session = mptcp4.connect()
    assert client.now(pm.IDLE, a=0x80000000) == -errno.EINVAL
    assert client.now(pm.IDLE, a=0xffffffff) == -errno.EINVAL
    for msecs in (0x7fffffff, 1, 0):
        assert client.now(pm.IDLE, a=msecs) == 0
    session.exchange()
    session.close()


def test_longest_is_not_over_at_once(mptcp4):
    lone = Lone(mptcp4)
    lone.idle(0x7fffffff)
    lone.lose()
    assert lone.ends(3) is None


def test_as_it_is_accepted(mptcp4):
    """Asked for as the session is accepted."""
    server = mptcp4.probe(SERVER)
    order = server.order(pm.MANAGES, pm.IDLE, a=2000)
    session = mptcp4.connect()
    assert server.result(order) == 0
    for sf in session.subflows(CLIENT):
        session.kill(CLIENT, sf)
    assert session.server.wait_error(session.inn, 30)[0] == errno.ETIMEDOUT


def test_closed_by_the_application(mptcp4):
    """In order, whatever was set."""
    lone = Lone(mptcp4)
    for msecs in (1, LONG):
        lone.idle(msecs)
        lone.session.exchange()
    lone.session.close()
    assert lone.probe.wait(pm.CLOSE_SESSION).args[1] == pm.NORMAL


@pytest.mark.parametrize("end", [CLIENT, SERVER])
@pytest.mark.parametrize("msecs,expected", [(2000, errno.ETIMEDOUT), (None, 0)])
def test_only_subflow_ends_by_fin(mptcp4, end, msecs, expected):
    """It is not closed yet when that is told, on a path that takes a while. Without a
    program's timeout the sysctl's is no different."""
    mptcp4.hosts.netem(SERVER, "delay", "40ms")
    probes = {name: mptcp4.probe(name) for name in (CLIENT, SERVER)}
    session = mptcp4.connect()
    if msecs:
        assert probes[end].now(pm.IDLE, a=msecs) == 0
    else:
        mptcp4.hosts.sysctl(end, "net.mptcp.close_timeout", 2)
    assert probes[other(end)].now(pm.CLOSE, a=1) == 0
    assert probes[end].wait(pm.SUB_CLOSED).args[:2] == [1, pm.FIN]
    peer, sid = ((session.client, session.out) if end == CLIENT else
                 (session.server, session.inn))
    assert peer.wait_error(sid, 1) is None
    ended = peer.wait_error(sid, 20)
    assert ended and ended[0] == expected
