# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet schedulers: chosen by a path manager for one session, and what they do."""
import errno

import pytest

import probe as pm
from mptcp import counter
from net import CLIENT, SERVER, digest, eventually
from paths import SLOWEST, address, on
from two import MB, MORE, Two, other, set_scheduler, uneven


def test_they_are_offered(hosts):
    for name in (CLIENT, SERVER):
        offered = on(name, "sysctl", "-n", "net.mptcp.available_schedulers").split()
        assert {"default", *MORE} <= set(offered)


def test_names(mptcp4):
    """What can be said wrong of a name, each with its error."""
    client = mptcp4.probe(CLIENT)
    session = mptcp4.connect()
    for name in ("nosuch", "", "default ", "Default", "roundrobin2"):
        assert set_scheduler(client, name) == -errno.ENOENT, name
    for raw in (b"", b"default", b"d", b"x" * 32, b"redundant-redundant\0", b"x" * 16 + b"\0"):
        assert client.now(pm.SCHEDULER, src=raw) == -errno.EINVAL, raw
    assert client.now(pm.SCHEDULER, src=b"x" * 15 + b"\0") == -errno.ENOENT
    # Cut within the buffer, or followed by something else.
    assert client.now(pm.SCHEDULER, src=b"default\0", src_len=7) == -errno.EINVAL
    assert client.now(pm.SCHEDULER, src=b"default\0rubbish") == 0
    for name in ("default", *MORE, *MORE, "default"):
        assert set_scheduler(client, name) == 0
        session.exchange()
    session.close()


def test_as_early_as_can_be(mptcp4):
    """When the path manager is told of the session: at the server, once it is accepted."""
    orders = [(probe := mptcp4.probe(name), probe.order(
        pm.MANAGES, pm.SCHEDULER, src=b"redundant\0")) for name in (CLIENT, SERVER)]
    session = mptcp4.connect()
    assert [probe.result(order) for probe, order in orders] == [0, 0]
    client = orders[0][0]
    assert client.now(pm.OPEN, src=pm.sockaddr(address(4, 1, CLIENT))) == 0
    for probe, _ in orders:
        eventually(lambda probe=probe: [sf.flags & pm.ESTABLISHED for sf in probe.walk()].count(
            pm.ESTABLISHED) == 2, "two that carry data")
    before = [counter(name, "DuplicateData") for name in (SERVER, CLIENT)]
    session.upload(200_000)
    session.download(200_000)
    for name, then in zip((SERVER, CLIENT), before):
        eventually(lambda: counter(name, "DuplicateData") > then, f"duplicates at {name}")
    session.close()


@pytest.mark.parametrize("name", MORE)
def test_of_a_namespace(mptcp4, name):
    """The sysctl, without any program; one path, then two."""
    for host in (CLIENT, SERVER):
        mptcp4.hosts.sysctl(host, "net.mptcp.scheduler", name)
    mptcp4.paths.endpoint(CLIENT, address(4, 1, CLIENT), "subflow")
    session = mptcp4.connect()
    session.wait_subflows(SERVER, 2)
    for _ in range(3):
        session.upload(300_000)
        session.download(300_000)
    session.close()


def test_one_subflow_sends_nothing_twice(mptcp4):
    """Whatever the scheduler; a fallback stays possible."""
    client = mptcp4.probe(CLIENT)
    session = mptcp4.connect()
    [before], resent = session.subflows(SERVER), counter(CLIENT, "MPTCPRetrans")
    names = (*MORE, "redundant", "default")
    for name in names:
        session.client.start("send", session.out, 2 * MB)
        session.server.start("recv", session.inn, 2 * MB)
        assert set_scheduler(client, name) == 0
        assert session.server.wait() == digest(2 * MB)
        assert session.client.wait() == 2 * MB
    [after] = session.subflows(SERVER)
    # A slow guest lets the session's own timer expire.
    assert (after.received - before.received == 2 * MB * len(names)
            or counter(CLIENT, "MPTCPRetrans") > resent)
    session.close()


@pytest.mark.parametrize("name", MORE)
def test_fallback(mptcp4, name):
    """A peer that has no MPTCP."""
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.scheduler", name)
    session = mptcp4.connect(server_mptcp=False)
    session.upload(500_000)
    session.download(500_000)
    session.close()


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_roundrobin_uses_both(mptcp, end):
    two = Two(mptcp, end)
    two.choose("roundrobin")
    got, _ = two.transfer(4 * MB)
    # A burst goes to the other one if there is no room.
    assert all(0.3 < part / sum(got) < 0.7 for part in got), got
    assert sum(got) < 4.2 * MB
    two.close()


def test_roundrobin_goes_on_when_one_is_full(mptcp4):
    """What the slow one cannot take goes to the other."""
    # Its room would grow with its congestion window.
    mptcp4.paths.route(4, 1, "cwnd", "lock", "10")
    two = uneven(mptcp4)
    mptcp4.paths.shape(1, "1mbit", "5ms")
    two.choose("roundrobin")
    got, _ = two.transfer(4 * MB)
    assert got[0] > 3 * got[1] > 0, got
    two.close()


@pytest.mark.parametrize("name", MORE)
def test_backup_is_spared(mptcp4, name):
    """Until nothing else is left."""
    two = Two(mptcp4, backup=True)
    two.choose(name)
    got, _ = two.transfer(MB)
    assert got[0] >= MB and got[1] < 10_000, got
    assert two.probe.now(pm.CLOSE, a=1) == 0
    two.session.wait_subflows(CLIENT, 1)
    two.begin(MB)
    two.finish()
    two.close()


@pytest.mark.parametrize("name", MORE)
def test_subflow_reset_in_the_middle(mptcp4, name):
    """Data that only the dead one had goes out again; a new one takes part."""
    two = Two(mptcp4)
    two.choose(name)
    two.begin(4 * MB)
    two.half(0.2)
    two.session.kill(SERVER, next(sf for sf in two.session.subflows(SERVER) if not sf.initial))
    two.session.wait_subflows(CLIENT, 1)
    two.before[1] = 0
    two.join()
    two.finish()
    two.close()


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_changed_in_the_middle_of_a_transfer(mptcp4, end):
    """default, redundant, roundrobin, redundant, each from a quarter of a transfer on."""
    two = Two(mptcp4, end, shape=SLOWEST)
    seen = []
    for name in ("redundant", "roundrobin", "redundant", "default"):
        two.begin(MB)
        two.half(0.25)
        seen.append(counter(other(end), "DuplicateData"))
        two.choose(name)
        two.finish()
    # Copies come behind what waits on a subflow already.
    assert seen[1] > seen[0] and seen[3] > seen[0] + 50, seen
    two.settle()
    got, duplicates = two.transfer(MB)
    assert sum(got) < 1.2 * MB and duplicates < 50, (got, duplicates)
    two.close()


def test_changed_all_the_time(mptcp4):
    two = Two(mptcp4, shape=SLOWEST, more=("loss", "1%"))
    two.begin(4 * MB)
    changes = 0
    while sum(two.progress()) < 3.5 * MB:
        two.choose(["redundant", "roundrobin", "default"][changes % 3])
        changes += 1
    two.finish()
    assert changes > 2
    two.close()


@pytest.mark.parametrize("name", MORE)
def test_small_messages(mptcp4, name):
    """Each is a burst of its own."""
    two = Two(mptcp4, shape=None)
    two.choose(name)
    for size in [1, 2, 10, 100, 1400, 1500, 3000, 70_000] * 3:
        two.session.upload(size)
        two.session.download(size)
    two.close()
