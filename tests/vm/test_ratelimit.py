# SPDX-License-Identifier: GPL-2.0-or-later
"""The rate limit of subflows, as ss shows it at the end that is asked."""
import time

import pytest

from ask import Ask
from mpopt import Options
from net import CLIENT, SERVER, eventually
from paths import address

EXID = 0x726c
ANY = 4294967295
PRIVATE = 15
UNKNOWN_BITS = 0x4


@pytest.fixture
def limit(mptcp):
    yield from limits(mptcp)


@pytest.fixture
def limit4(mptcp4):
    yield from limits(mptcp4)


def limits(mptcp):
    one = Ask(mptcp, "ratelimit", EXID)
    yield one
    one.close()


def caps(limit, name=SERVER):
    """Limit of each subflow at that end, by path, in kbit/s; None without."""
    found = {}
    for sf in limit.session.subflows(name):
        of_client = sf.remote if name == SERVER else sf.local
        for path in (0, 1):
            if of_client == address(limit.mptcp.family, path, CLIENT):
                found[path] = sf.pacing_max and sf.pacing_max / 1000
    return found


def wait_caps(limit, name=SERVER, **expected):
    wanted = {int(path[-1]): kbit for path, kbit in expected.items()}
    seen = {}

    def settled():
        seen.clear()
        seen.update(caps(limit, name))
        return seen == wanted
    try:
        eventually(settled, f"limits {wanted}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen} {limit.stats(name)}") from None


def backups(limit, name=SERVER):
    return [sf.backup for sf in limit.session.subflows(name) if not sf.initial]


def begin(limit, subflows=2, server=None, **client):
    limit.attach(SERVER, **(server or {}))
    limit.attach(CLIENT, **client)
    if subflows > 1:
        limit.mptcp.join()
    limit.connect(subflows)


def test_the_chosen_subflow_alone(limit):
    limit.mptcp.paths.wire.begin()
    begin(limit, rate=4000, interfaces="eth1")
    wait_caps(limit, path0=None, path1=4000)
    assert caps(limit, CLIENT) == {0: None, 1: None}, "asks, does not keep to it"
    limit.told()
    limit.session.download(100_000)
    assert limit.counted(SERVER) == {"received": 1, "capped": 1}
    carriers = {p.src if p.source == CLIENT else p.dst
                for p in limit.mptcp.paths.wire.packets() if PRIVATE in p.subtypes}
    assert carriers == {address(limit.mptcp.family, 1, CLIENT)}, "it, and its echo"


def test_another_rate_and_none_for_live_sessions(limit4):
    begin(limit4, rate=4000, interfaces="eth1")
    wait_caps(limit4, path0=None, path1=4000)
    limit4.set(CLIENT, rate=8000)
    wait_caps(limit4, path0=None, path1=8000)
    limit4.set(CLIENT, rate=ANY)
    wait_caps(limit4, path0=None, path1=None)
    limit4.wait(SERVER, capped=2, lifted=1)

    def paced_faster():
        limit4.session.download(100_000)
        return all((sf.pacing or 0) > 10_000_000 for sf in limit4.session.subflows(SERVER))
    eventually(paced_faster, "as fast as it can")


@pytest.mark.parametrize("chosen, other", [
    ({"interfaces": "eth1"}, {"interfaces": "eth0"}), ({"except": "eth0"}, {"except": "eth1"})])
def test_another_interface_for_live_sessions(limit4, chosen, other):
    begin(limit4, rate=4000, **chosen)
    wait_caps(limit4, path0=None, path1=4000)
    limit4.set(CLIENT, **other)
    wait_caps(limit4, path0=4000, path1=None)
    limit4.wait(SERVER, capped=2, lifted=1)


def test_all_subflows_without_a_choice(limit4):
    begin(limit4, rate=1000)
    wait_caps(limit4, path0=1000, path1=1000)


@pytest.mark.parametrize("kind, expected", [(1, 1000), (772, None)])
def test_by_type_of_interface(limit4, kind, expected):
    begin(limit4, rate=1000, type=kind)
    if not expected:
        limit4.session.exchange()
        time.sleep(0.5)
    wait_caps(limit4, path0=expected, path1=expected)


def test_nothing_is_asked_by_default(limit4):
    begin(limit4)
    limit4.session.exchange()
    assert limit4.counted(CLIENT) == limit4.counted(SERVER) == {}


def test_the_server_may_ask_too(limit4):
    limit4.attach(CLIENT)
    limit4.attach(SERVER, rate=2000)
    limit4.mptcp.join()
    limit4.connect(2)
    wait_caps(limit4, CLIENT, path0=2000, path1=2000)


def test_peers_may_not_ask_for_less_than_the_minimum(limit4):
    begin(limit4, server={"min": 1000}, rate=999, interfaces="eth1")
    limit4.wait(SERVER, not_allowed=1)
    assert caps(limit4) == {0: None, 1: None}
    limit4.set(CLIENT, rate=1000)
    wait_caps(limit4, path0=None, path1=1000)
    limit4.set(SERVER, min=5000)
    limit4.set(CLIENT, rate=2000)
    limit4.wait(SERVER, not_allowed=2)
    wait_caps(limit4, path0=None, path1=1000)


def test_the_highest_rate(limit4):
    begin(limit4, rate=ANY - 1, interfaces="eth1")
    wait_caps(limit4, path0=None, path1=(2**32 - 2) * 8 / 1000)


def test_zero_closes_the_subflow_in_good_order(limit):
    """What is on its way arrives, nothing new takes it, and the session goes on."""
    begin(limit, server={"linger": 1000}, interfaces="eth1")
    limit.session.begin_download(3_000_000)
    limit.set(CLIENT, rate=0)
    limit.wait(SERVER, drained=1)
    limit.session.wait_subflows(SERVER, 1)
    limit.session.wait_subflows(CLIENT, 1)
    limit.session.end_download(3_000_000)
    limit.session.exchange()
    limit.wait(SERVER, received=1, closed=1, last=0)


def test_zero_can_be_taken_back(limit4):
    begin(limit4, server={"linger": 3_600_000}, rate=0, interfaces="eth1")
    eventually(lambda: backups(limit4) == [True], "made a backup")
    limit4.set(CLIENT, rate=4000)
    wait_caps(limit4, path0=None, path1=4000)
    eventually(lambda: backups(limit4) == [False], "no backup any more")
    limit4.set(SERVER, linger=0)
    limit4.session.exchange()
    assert len(limit4.session.subflows(SERVER)) == 2 and limit4.stats(SERVER)["closed"] == 0


def test_a_shorter_wait_for_live_sessions(limit4):
    begin(limit4, server={"linger": 3_600_000}, rate=0, interfaces="eth1")
    limit4.wait(SERVER, drained=1)
    limit4.set(CLIENT, rate=4000)
    limit4.set(SERVER, linger=1)
    limit4.set(CLIENT, rate=0)
    limit4.session.wait_subflows(SERVER, 1)


def test_zero_is_refused_where_it_is_not_allowed(limit4):
    begin(limit4, server={"drain": 0, "linger": 0}, rate=0, interfaces="eth1")
    limit4.wait(SERVER, not_allowed=1)
    limit4.session.exchange()
    assert len(limit4.session.subflows(SERVER)) == 2 and backups(limit4) == [False]


@pytest.mark.parametrize("subflows", [1, 2])
def test_the_last_subflow_is_not_closed(limit4, subflows):
    begin(limit4, subflows, server={"linger": 1})
    limit4.set(CLIENT, rate=0)
    limit4.wait(SERVER, last=1, closed=subflows - 1)
    limit4.session.wait_subflows(SERVER, 1)
    limit4.session.exchange()


def test_the_last_one_is_not_closed_even_if_it_became_that_meanwhile(limit4):
    begin(limit4, server={"linger": 5000}, rate=0, interfaces="eth1")
    limit4.wait(SERVER, drained=1)
    first, = (sf for sf in limit4.session.subflows(CLIENT) if sf.initial)
    limit4.session.kill(CLIENT, first)
    limit4.wait(SERVER, last=1, closed=0)
    eventually(lambda: backups(limit4) == [False], "no backup any more")
    limit4.session.exchange()


def test_a_link_that_is_down_lifts_nothing(limit4):
    """The address is not there for a while, and that is nobody's choice."""
    begin(limit4, rate=4000, interfaces="eth1")
    wait_caps(limit4, path0=None, path1=4000)
    limit4.told()
    limit4.mptcp.paths.link(CLIENT, 1, "down")
    cgroup = limit4.mptcp.cgroups[CLIENT]

    def listed():
        return str(limit4.mptcp.loader.entry("ratelimit", cgroup)["local_addrs"])
    eventually(lambda: "10.9.1.1" not in listed(), "the loader knows")
    limit4.session.exchange()
    limit4.mptcp.paths.link(CLIENT, 1, "up")
    eventually(lambda: "10.9.1.1" in listed(), "the loader knows")
    limit4.session.exchange()
    assert limit4.stats(CLIENT)["asked"] == 1
    wait_caps(limit4, path0=None, path1=4000)


def test_bad_requests_are_ignored_and_counted(limit4):
    limit4.attach(SERVER)
    limit4.raw()
    limit4.connect()
    lengths = [0, 1, 2, 3, 5, 8, 10]
    for length in lengths:
        limit4.say(b"\1" * length)
    limit4.say((4000).to_bytes(4, "big"), bits=UNKNOWN_BITS)
    assert limit4.counted(SERVER) == {"bad_length": len(lengths), "bad_value": 1}
    assert caps(limit4) == {0: None}
    for _ in range(3):
        limit4.say((4000).to_bytes(4, "big"))
    limit4.say(b"\xff" * 4)
    limit4.say(b"\xff" * 4)
    limit4.wait(SERVER, received=2, repeated=3, capped=1, lifted=1)
    assert caps(limit4) == {0: None}
    limit4.session.exchange()


def test_another_experiment_is_not_heard(limit4):
    begin(limit4, server={"exid": 0x1111}, rate=1000)
    limit4.session.exchange()
    assert limit4.counted(SERVER) == {} and caps(limit4) == {0: None, 1: None}


def test_an_option_that_is_taken(limit4):
    """By a program that was there first: left to that one."""
    other = Options(limit4.mptcp.loader, limit4.mptcp.cgroups[SERVER], exid=EXID)
    begin(limit4, rate=1000, interfaces="eth1")
    other.wait_values([(1000).to_bytes(4, "big")])
    assert limit4.stats(SERVER)["taken"] == 1 and caps(limit4) == {0: None, 1: None}
    other.close()
