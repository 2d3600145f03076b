# SPDX-License-Identifier: GPL-2.0-or-later
"""The packet scheduler request; redundant is known by what arrives twice."""
import pytest

from ask import Ask
from net import CLIENT, SERVER, eventually
from paths import FAST

EXID = 0x7073
DEFAULT, ROUNDROBIN, REDUNDANT, NEVER = 1, 2, 3, 200
ALL = "default,roundrobin,redundant"
AMOUNT = 1_000_000


@pytest.fixture
def sched(mptcp):
    yield from scheds(mptcp)


@pytest.fixture
def sched4(mptcp4):
    yield from scheds(mptcp4)


def scheds(mptcp):
    one = Ask(mptcp, "scheduler", EXID)
    mptcp.join()
    for path in (0, 1):
        mptcp.paths.shape(path, FAST)
    yield one
    one.close()


def begin(sched, server=None, **client):
    sched.attach(SERVER, **(server or {}))
    sched.attach(CLIENT, **client)
    return sched.connect(2)


def twice(sched, up=False):
    """Does what is sent now arrive on both subflows?"""
    name = SERVER if up else CLIENT

    def received():
        return sum(sf.received for sf in sched.session.subflows(name))
    before = received()
    (sched.session.upload if up else sched.session.download)(AMOUNT)
    return received() - before > 1.5 * AMOUNT


def test_server_takes_what_the_client_asks_for(sched):
    begin(sched, server={"allow": "redundant"}, request="redundant")
    sched.wait(SERVER, received=1, applied=1)
    sched.told()
    assert twice(sched)
    assert not twice(sched, up=True), "asks, does not use"
    assert sched.counted(SERVER) == {"received": 1, "applied": 1}


def test_the_server_may_ask_too(sched4):
    begin(sched4, server={"request": "redundant"}, allow="redundant")
    sched4.wait(CLIENT, applied=1)
    assert twice(sched4, up=True) and not twice(sched4)


def test_another_request_for_live_sessions(sched4):
    begin(sched4, server={"allow": ALL}, request="redundant")
    sched4.wait(SERVER, applied=1)
    assert twice(sched4)
    sched4.set(CLIENT, request="default")
    sched4.wait(SERVER, applied=2)
    assert not twice(sched4)
    sched4.set(CLIENT, request="roundrobin")
    sched4.wait(SERVER, applied=3)
    assert not twice(sched4)
    sched4.set(CLIENT, request="redundant")
    sched4.wait(SERVER, applied=4)
    assert twice(sched4)
    sched4.set(CLIENT, request="none")
    sched4.session.exchange()
    assert twice(sched4), "none asks for nothing"
    sched4.told(times=4)


def test_another_list_for_live_sessions(sched4):
    begin(sched4, request="redundant")
    sched4.wait(SERVER, not_allowed=1)
    assert not twice(sched4)
    sched4.set(SERVER, allow="redundant")
    sched4.wait(SERVER, applied=1)
    assert twice(sched4)
    sched4.set(SERVER, allow="default")
    sched4.wait(SERVER, restored=1, not_allowed=2)
    assert not twice(sched4)
    sched4.set(SERVER, allow=ALL)
    sched4.wait(SERVER, applied=2)
    assert twice(sched4)


@pytest.mark.parametrize("asked, allow, counted", [
    ("redundant", "", "not_allowed"), ("redundant", "default,roundrobin", "not_allowed"),
    ("default", "default", "unchanged")])
def test_what_changes_nothing(sched4, asked, allow, counted):
    begin(sched4, server={"allow": allow}, request=asked)
    sched4.wait(SERVER, received=1, **{counted: 1})
    assert not twice(sched4)
    assert sched4.counted(SERVER) == {"received": 1, counted: 1}


@pytest.mark.parametrize("peers, heard", [("10.9.0.0/16", True), ("10.8.0.0/16,fd09::/16", False)])
def test_which_peers_are_heard(sched4, peers, heard):
    begin(sched4, server={"allow": ALL, "peers": peers}, request="redundant")
    counted = "applied" if heard else "not_allowed"
    sched4.wait(SERVER, received=1, **{counted: 1})
    assert twice(sched4) == heard
    assert sched4.counted(SERVER) == {"received": 1, counted: 1}


def test_a_peer_that_keeps_changing_its_mind(sched4):
    sched4.attach(SERVER, allow=ALL)
    sched4.raw()
    sched4.connect(2)
    for n in range(60):
        sched4.say(bytes([REDUNDANT if n % 2 else DEFAULT]))
    eventually(lambda: sum(sched4.stats(SERVER)[key] for key in ("received", "repeated")) == 60,
               "all of them")
    assert sched4.stats(SERVER)["not_allowed"] > 0


def test_each_session_has_its_own(sched4):
    begin(sched4, server={"allow": ALL}, request="redundant")
    sched4.wait(SERVER, applied=1)
    first = sched4.session
    sched4.set(CLIENT, request="none")
    second = sched4.mptcp.connect(port=first.port + 1)
    second.wait_subflows(SERVER, 2)
    assert twice(sched4)
    sched4.session = second
    assert not twice(sched4)


def test_bad_requests_are_ignored_and_counted(sched4):
    sched4.attach(SERVER, allow=ALL)
    sched4.raw()
    sched4.connect(2)
    lengths = [0, 2, 3, 4, 10]
    for length in lengths:
        sched4.say(bytes([REDUNDANT]) * length)
    sched4.say(b"\0")
    sched4.say(bytes([REDUNDANT]), bits=0x8)
    sched4.say(bytes([NEVER]))
    assert sched4.counted(SERVER) == {"bad_length": len(lengths), "bad_value": 2, "unknown": 1}
    assert not twice(sched4)
    for _ in range(3):
        sched4.say(bytes([REDUNDANT]))
    sched4.wait(SERVER, received=1, repeated=2, applied=1)
    assert twice(sched4)


def test_a_list_of_what_there_is(mptcp4):
    done = mptcp4.loader.ctl("attach", "scheduler", "--cgroup", mptcp4.cgroups[SERVER],
                             "--set", "allow=reno")
    assert done.returncode == 1
    assert "this kernel offers no packet scheduler 'reno'; use default, " in done.stderr
    done = mptcp4.loader.ctl("attach", "scheduler", "--cgroup", mptcp4.cgroups[SERVER],
                             "--set", "request=reno")
    assert "use none|default|roundrobin|redundant" in done.stderr
