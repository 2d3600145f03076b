# SPDX-License-Identifier: GPL-2.0-or-later
"""The delay threshold: flags of the server's subflows, and where data arrives."""
import time

import pytest

from ask import Ask
from net import CLIENT, SERVER, eventually
from paths import INTERFACES, address, on

EXID = 0x6474
# Far apart, because the emulated guest adds tens of ms at times.
LIMIT, HYSTERESIS = 300, 150
SLOW, MIDDLE = "250ms", "115ms"  # one way: above the limit; within the hysteresis
PROBE_BIT, OTHER_BIT = 0x4, 0x8


@pytest.fixture
def delay(mptcp):
    yield from delays(mptcp)


@pytest.fixture
def delay4(mptcp4):
    yield from delays(mptcp4)


def delays(mptcp):
    one = Ask(mptcp, "threshold", EXID)
    yield one
    one.close()


def request(limit=LIMIT, hysteresis=HYSTERESIS):
    return limit.to_bytes(2, "big") + hysteresis.to_bytes(2, "big")


def begin(delay, backup=True, server=None, **client):
    delay.attach(SERVER, probe=100, **(server or {}))
    delay.attach(CLIENT, **({"limit": LIMIT, "hysteresis": HYSTERESIS} | client))
    if backup:
        delay.mptcp.join(1, "backup")
    return delay.connect(1 + backup)


def slow(delay, by=SLOW):
    delay.mptcp.paths.shape(0, "100mbit", by)


def fast(delay):
    delay.mptcp.paths.shape(0, "100mbit", "0ms")


def stream(delay, until, what):
    """A thin stream from the server, until then."""
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline, f"{what}: {delay.stats(SERVER)}"
        for _ in range(3):
            delay.session.download(200)


def wait_counted(delay, **counters):
    stream(delay, lambda: all(delay.stats(SERVER)[key] >= value
                              for key, value in counters.items()), f"{counters}")


def marks(delay):
    """Is the first one a backup for the server, and is the other?"""
    found = {sf.initial: sf.peer_backup for sf in delay.session.subflows(SERVER)}
    return found.get(True), found.get(False)


def wait_marks(delay, first, other):
    eventually(lambda: marks(delay) == (first, other),
               f"backup {(first, other)}, {marks(delay)}")


def arrives_at(delay):
    """The path that data takes."""
    def received():
        got = {}
        for sf in delay.session.subflows(CLIENT):
            for path in (0, 1):
                if sf.local == address(delay.mptcp.family, path, CLIENT):
                    got[path] = sf.received
        return got
    before = received()
    for _ in range(5):
        delay.session.download(200)
    after = received()
    return max(after, key=lambda path: after[path] - before.get(path, 0))


def go_away(delay):
    slow(delay)
    wait_counted(delay, switched=1)
    wait_marks(delay, True, False)


def test_to_the_backup_and_back(delay):
    begin(delay)
    delay.told()
    assert marks(delay) == (False, True) and arrives_at(delay) == 0
    go_away(delay)
    assert arrives_at(delay) == 1
    assert [sf.backup for sf in delay.session.subflows(CLIENT) if sf.initial] == [False]
    fast(delay)
    delay.wait(SERVER, returned=1)
    wait_marks(delay, False, True)
    wait_counted(delay, above=1)
    assert arrives_at(delay) == 0
    stats = delay.stats(SERVER)
    assert (stats["switched"], stats["returned"]) == (1, 1), "to and fro"
    assert stats["measured"] >= 1 and delay.stats(CLIENT)["probed"] >= stats["measured"]


def test_a_few_round_trips_are_enough(delay4):
    """The kernel tells the RTT once for each, however many ACKs there are."""
    begin(delay4, limit=130, hysteresis=20)
    slow(delay4, "90ms")
    for _ in range(7):
        delay4.session.exchange()
    delay4.wait(SERVER, switched=1)


def test_it_stays_away_within_the_hysteresis(delay4):
    begin(delay4)
    go_away(delay4)
    slow(delay4, MIDDLE)
    measured = delay4.stats(SERVER)["measured"]
    eventually(lambda: delay4.stats(SERVER)["measured"] > measured + 10, "measured")
    assert delay4.stats(SERVER)["returned"] == 0 and marks(delay4) == (True, False)
    fast(delay4)
    delay4.wait(SERVER, returned=1)


def test_measured_without_data(delay4):
    """Nothing is sent after the switch, and it goes back all the same."""
    begin(delay4)
    go_away(delay4)
    fast(delay4)
    delay4.wait(SERVER, returned=1)
    probes = delay4.stats(SERVER)["probes"]
    time.sleep(1)
    assert delay4.stats(SERVER)["probes"] == probes, "none while it is used"


def test_a_fast_path_is_not_left(delay4):
    begin(delay4)
    for _ in range(30):
        delay4.session.download(200)
    assert marks(delay4) == (False, True)
    stats = delay4.stats(SERVER)
    assert stats["switched"] == stats["probes"] == 0


def test_without_a_backup_subflow(delay4):
    begin(delay4, backup=False)
    slow(delay4)
    wait_counted(delay4, above=1, no_backup=1)
    delay4.session.exchange()
    assert marks(delay4) == (False, None) and delay4.stats(SERVER)["switched"] == 0


def test_a_backup_subflow_that_comes_later(delay4):
    session = begin(delay4, backup=False)
    slow(delay4)
    wait_counted(delay4, no_backup=1)
    delay4.mptcp.join(1, "backup")
    session.wait_subflows(SERVER, 2)
    wait_counted(delay4, switched=1)
    wait_marks(delay4, True, False)


def test_subflows_that_are_no_backup_are_left_alone(delay4):
    delay4.attach(SERVER)
    delay4.attach(CLIENT, limit=LIMIT)
    delay4.mptcp.join()
    delay4.connect(2)
    for path in (0, 1):
        delay4.mptcp.paths.shape(path, "100mbit", SLOW)
    wait_counted(delay4, no_backup=1)
    assert marks(delay4) == (False, False)


def test_asked_for_and_taken_back_on_live_sessions(delay4):
    begin(delay4, limit=0)
    slow(delay4)
    for _ in range(10):
        delay4.session.download(200)
    assert delay4.counted(SERVER) == {}
    delay4.set(CLIENT, limit=LIMIT)
    wait_counted(delay4, switched=1)
    wait_marks(delay4, True, False)
    delay4.set(CLIENT, limit=0)
    wait_marks(delay4, False, True)
    delay4.told(times=2)


def test_peers_may_not_ask_for_less_than_the_minimum(delay4):
    begin(delay4, server={"min": LIMIT + 1})
    slow(delay4)
    delay4.wait(SERVER, not_allowed=1)
    for _ in range(10):
        delay4.session.download(200)
    assert delay4.stats(SERVER)["switched"] == 0
    delay4.set(SERVER, min=LIMIT)
    wait_counted(delay4, switched=1)
    wait_marks(delay4, True, False)
    delay4.set(SERVER, min=65536)
    wait_marks(delay4, False, True)


def test_the_backup_subflow_ends_meanwhile(delay4):
    session = begin(delay4)
    go_away(delay4)
    other, = (sf for sf in session.subflows(CLIENT) if not sf.initial)
    session.kill(CLIENT, other)
    wait_marks(delay4, False, None)
    session.exchange()


def test_the_first_subflow_ends_meanwhile(delay4):
    session = begin(delay4)
    go_away(delay4)
    first, = (sf for sf in session.subflows(CLIENT) if sf.initial)
    session.kill(CLIENT, first)
    session.wait_subflows(SERVER, 1)
    session.exchange()
    probes = delay4.stats(SERVER)["probes"]
    session.exchange()
    time.sleep(1)
    assert delay4.stats(SERVER)["probes"] <= probes + 1
    wait_marks(delay4, None, True)


def test_a_path_that_answers_no_probe_is_tried_after_a_while(delay4):
    begin(delay4, server={"trial": 5000})
    go_away(delay4)
    for name in (CLIENT, SERVER):
        delay4.mptcp.paths.nft(name, f"iifname {INTERFACES[0]} drop")
    eventually(lambda: delay4.stats(SERVER)["lost"] == 1, "probe lost", 120)
    fast(delay4)
    for name in (CLIENT, SERVER):
        on(name, "nft", "delete table inet t")
    eventually(lambda: delay4.stats(SERVER)["trials"] == 1, "used again", 60)
    wait_marks(delay4, False, True)
    delay4.session.exchange()
    assert arrives_at(delay4) == 0


def test_bad_requests_are_ignored_and_counted(delay4):
    delay4.attach(SERVER)
    delay4.raw()
    delay4.connect()
    lengths = [0, 1, 2, 3, 5, 10]
    for length in lengths:
        delay4.say(b"\1" * length)
    delay4.say(b"\1", bits=PROBE_BIT)
    wrong = [(100, 100), (100, 101), (0, 1), (1, 65535)]
    for limit, hysteresis in wrong:
        delay4.say(request(limit, hysteresis))
    delay4.say(request(), bits=OTHER_BIT)
    delay4.say(b"", bits=PROBE_BIT)
    assert delay4.counted(SERVER) == {"bad_length": len(lengths) + 1,
                                      "bad_value": len(wrong) + 1, "probed": 1}
    for value in (request(), request(), request(65535, 65534), request(0, 0), request(0, 0)):
        delay4.say(value)
    delay4.wait(SERVER, received=3, repeated=2)
    delay4.say(request(9, 1))
    delay4.wait(SERVER, not_allowed=1)
    delay4.session.exchange()
