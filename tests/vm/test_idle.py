# SPDX-License-Identifier: GPL-2.0-or-later
"""The inactivity timeout: what applications get when all subflows are gone."""
import errno

import pytest

from ask import Ask
from net import CLIENT, SERVER

EXID = 0x6974
SHORT, LONG = 8, 100_000
NOT_YET = 12  # s in which a session that is to be kept would have ended otherwise


@pytest.fixture
def idle(mptcp):
    yield from idles(mptcp)


@pytest.fixture
def idle4(mptcp4):
    yield from idles(mptcp4)


def idles(mptcp):
    one = Ask(mptcp, "idle", EXID)
    yield one
    one.close()


def begin(idle, server=None, **client):
    idle.attach(SERVER, **({"min": 1} | (server or {})))
    idle.attach(CLIENT, **({"min": 1} | client))
    return idle.connect()


def lose(idle):
    """All subflows, at both ends."""
    for sf in idle.session.subflows(SERVER):
        idle.session.kill(SERVER, sf)
    for name in (CLIENT, SERVER):
        idle.session.wait_subflows(name, 0)


def ends(idle, name, timeout=30.0):
    """errno that the application gets, None: it goes on."""
    session = idle.session
    peer, sid = ((session.client, session.out) if name == CLIENT else
                 (session.server, session.inn))
    found = peer.wait_error(sid, timeout)
    return found and found[0]


def test_both_ends_give_up_after_the_time(idle):
    begin(idle, timeout=SHORT)
    idle.wait(SERVER, received=1, applied=1)
    idle.wait(CLIENT, applied=1)
    lose(idle)
    assert ends(idle, CLIENT, 1) is None
    assert [ends(idle, name) for name in (CLIENT, SERVER)] == [errno.ETIMEDOUT] * 2


def test_the_server_may_ask_too(idle4):
    begin(idle4, server={"timeout": SHORT})
    idle4.told(SERVER)
    idle4.wait(CLIENT, applied=1)
    lose(idle4)
    assert [ends(idle4, name) for name in (CLIENT, SERVER)] == [errno.ETIMEDOUT] * 2


def test_nothing_is_asked_by_default(idle4):
    begin(idle4)
    idle4.session.exchange()
    assert idle4.counted(CLIENT) == idle4.counted(SERVER) == {}
    lose(idle4)
    assert ends(idle4, CLIENT, NOT_YET) is None


def test_the_shorter_one_holds(idle4):
    begin(idle4, server={"timeout": SHORT}, timeout=LONG, max=LONG)
    for name in (CLIENT, SERVER):
        idle4.wait(name, received=1)
        idle4.told(name)
    lose(idle4)
    assert [ends(idle4, name) for name in (CLIENT, SERVER)] == [errno.ETIMEDOUT] * 2


def test_not_shorter_than_the_minimum(idle4):
    begin(idle4, server={"min": 1000}, timeout=SHORT)
    idle4.wait(SERVER, received=1, clamped=1, applied=1)
    lose(idle4)
    assert ends(idle4, CLIENT) == errno.ETIMEDOUT
    assert ends(idle4, SERVER, NOT_YET) is None


def test_not_longer_than_the_maximum(idle4):
    begin(idle4, server={"max": SHORT}, timeout=LONG)
    idle4.wait(SERVER, received=1, clamped=1, applied=1)
    lose(idle4)
    assert ends(idle4, SERVER) == errno.ETIMEDOUT
    assert ends(idle4, CLIENT, 1) is None


def test_a_server_that_does_not_listen(idle4):
    begin(idle4, server={"max": 0}, timeout=SHORT)
    idle4.wait(SERVER, received=1, not_allowed=1)
    assert idle4.stats(SERVER)["applied"] == 0
    lose(idle4)
    assert ends(idle4, CLIENT) == errno.ETIMEDOUT
    assert ends(idle4, SERVER, NOT_YET) is None


def test_another_time_for_live_sessions(idle4):
    begin(idle4, timeout=LONG)
    idle4.told()
    idle4.set(CLIENT, timeout=SHORT)
    idle4.told(times=2)
    idle4.wait(SERVER, received=2, applied=2)
    lose(idle4)
    assert [ends(idle4, name) for name in (CLIENT, SERVER)] == [errno.ETIMEDOUT] * 2


def test_taken_back_on_live_sessions(idle4):
    begin(idle4, timeout=SHORT)
    idle4.told()
    idle4.set(CLIENT, timeout=0)
    idle4.told(times=2)
    idle4.wait(SERVER, received=2, applied=2)
    lose(idle4)
    assert ends(idle4, CLIENT, NOT_YET) is None and ends(idle4, SERVER, 1) is None


def test_another_policy_for_live_sessions(idle4):
    begin(idle4, server={"min": 1000}, timeout=SHORT)
    idle4.wait(SERVER, applied=1)
    idle4.set(SERVER, min=1)
    idle4.wait(SERVER, applied=2)
    lose(idle4)
    assert ends(idle4, SERVER) == errno.ETIMEDOUT


def test_sessions_with_a_subflow_do_not_end(idle4):
    begin(idle4, timeout=1)
    idle4.told()
    assert ends(idle4, CLIENT, NOT_YET) is None
    idle4.session.exchange()
    idle4.session.close()


def test_bad_requests_are_ignored_and_counted(idle4):
    idle4.attach(SERVER, min=1)
    idle4.raw()
    idle4.connect()
    lengths = [0, 1, 2, 3, 5, 8, 10]
    for length in lengths:
        idle4.say(b"\0" * length)
    idle4.say(SHORT.to_bytes(4, "big"), bits=0x4)
    idle4.say(b"\0" * 4)
    assert idle4.counted(SERVER) == {"bad_length": len(lengths), "bad_value": 1, "repeated": 1}
    idle4.say(b"\xff" * 4)
    idle4.say(SHORT.to_bytes(4, "big"))
    idle4.say(SHORT.to_bytes(4, "big"))
    idle4.wait(SERVER, received=2, repeated=2, clamped=1, applied=2)
    idle4.session.exchange()
