# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet schedulers: chosen by a path manager for one session, and what they do."""
import errno
import re
import socket
import time

import pytest

import probe as pm
from mptcp import counter
from net import CLIENT, SERVER, digest, eventually
from paths import FAST, INTERFACES, SLOW, address, on

MORE = ["roundrobin", "redundant"]
MB = 1_000_000


def set_scheduler(probe, name, **named):
    return probe.now(pm.SCHEDULER, src=name.encode() + b"\0", **named)


def other(end):
    return SERVER if end == CLIENT else CLIENT


class Two:
    """A session with a subflow on each path; `end` sends and chooses the scheduler."""

    def __init__(self, mptcp, end=CLIENT, shape=FAST, more=(), backup=False,
                 prepare_join=None):
        self.mptcp, self.end = mptcp, end
        if shape:
            for path in (0, 1):
                mptcp.paths.shape(path, shape, "5ms", *more)
        probes = {name: mptcp.probe(name) for name in (CLIENT, SERVER)}
        self.client, self.probe = probes[CLIENT], probes[end]
        self.session = mptcp.connect()
        self.backup = backup
        if prepare_join:
            prepare_join()
        self.join()
        self.sender, self.out, self.receiver, self.inn = (
            self.session.client, self.session.out, self.session.server, self.session.inn)
        if end == SERVER:
            self.sender, self.out, self.receiver, self.inn = (
                self.receiver, self.inn, self.sender, self.out)

    def join(self):
        subflow = pm.Subflow(local=pm.Addr(address(self.mptcp.family, 1, CLIENT)),
                             flags=pm.BACKUP if self.backup else 0)
        assert self.client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size, subflow=subflow) == 0
        for name in (CLIENT, SERVER):
            self.session.wait_subflows(name, 2)
        # Both ends may send on it.
        eventually(lambda: all(sf.flags & pm.ESTABLISHED for sf in self.probe.walk()),
                   "established subflows")

    def choose(self, name):
        assert set_scheduler(self.probe, name) == 0

    def begin(self, count, **send):
        self.before = self.received()
        self.duplicates = counter(other(self.end), "DuplicateData")
        self.count = count
        self.receiver.start("recv", self.inn, count, timeout=150)
        self.sender.start("send", self.out, count, timeout=150, **send)

    def finish(self):
        """All of it came as it was sent; bytes by path at that moment, duplicates."""
        assert self.receiver.wait() == digest(self.count)
        got = self.progress()
        assert self.sender.wait() == self.count
        return got, counter(other(self.end), "DuplicateData") - self.duplicates

    def transfer(self, count, **send):
        self.begin(count, **send)
        return self.finish()

    def received(self):
        """Bytes that came on each path so far, subflows that are gone left out."""
        got = [0, 0]
        for sf in self.session.subflows(other(self.end)):
            ends = sf.pair if self.end == SERVER else sf.pair[::-1]
            client = ends[0]
            path = [address(self.mptcp.family, p, CLIENT) for p in (0, 1)].index(client)
            got[path] += sf.received
        return got

    def progress(self):
        return [max(now - then, 0) for now, then in zip(self.received(), self.before)]

    def half(self, part=0.5):
        """Wait until that part of it came on one of the paths at least."""
        eventually(lambda: max(self.progress()) > self.count * part, "progress", 120)

    def settle(self):
        """Copies of what came on the other path are still on their way."""
        last = []

        def quiet():
            last.append(self.received())
            time.sleep(0.5)
            return last[-1] == self.received()
        eventually(quiet, "nothing on the way", 60)

    def prepare_cut(self):
        """The first rule takes a slow guest seconds."""
        self.mptcp.paths.nft(SERVER, "iifname nosuch drop")

    def cut(self, path):
        """Nothing gets through any more, and nobody is told."""
        on(SERVER, "nft", f"add rule inet t c iifname {INTERFACES[path]} drop")

    def close(self):
        self.session.close()


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


def test_not_somebody_else_s_session(mptcp4):
    client, second = mptcp4.probe(CLIENT), mptcp4.probe(CLIENT, "pmprobe2", claim_at=0)
    number = second.order(pm.FULLY_ESTABLISHED, pm.SCHEDULER, src=b"redundant\0")
    mptcp4.connect()
    client.wait(pm.FULLY_ESTABLISHED)
    assert not second.done(number) or second.result(number) == -errno.EBUSY
    mptcp4.connect(client=mptcp4.peer(CLIENT, mptcp4.cgroups[CLIENT]), mptcp=False)


def test_as_early_as_can_be(mptcp4):
    """Before there is a peer, and before accept() returns."""
    orders = [(probe := mptcp4.probe(name), probe.order(
        pm.NEW_SESSION, pm.SCHEDULER, src=b"redundant\0")) for name in (CLIENT, SERVER)]
    session = mptcp4.connect()
    assert [probe.result(order) for probe, order in orders] == [0, 0]
    client = orders[0][0]
    assert client.now(pm.OPEN, src=pm.sockaddr(address(4, 1, CLIENT))) == 0
    session.wait_subflows(SERVER, 2)
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


def uneven(mptcp4, **options):
    """The session has room for 2 MB, but its second subflow for little of it."""
    mptcp4.hosts.sysctl(SERVER, "net.ipv4.tcp_rmem", "4096 4000000 6000000")
    mptcp4.hosts.sysctl(CLIENT, "net.ipv4.tcp_wmem", "4096 2000000 4000000")
    return Two(mptcp4, prepare_join=lambda: mptcp4.hosts.sysctl(
        CLIENT, "net.ipv4.tcp_wmem", "4096 16384 4000000"), **options)


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


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_redundant_sends_all_on_both(mptcp, end):
    two = Two(mptcp, end)
    two.choose("redundant")
    got, duplicates = two.transfer(2 * MB)
    assert all(part > 0.9 * 2 * MB for part in got), got
    assert duplicates > 100
    two.session.exchange()
    two.close()


def test_redundant_for_who_never_waits(mptcp4):
    """A send buffer grows that has less room than what is on its way, and the session."""
    two = uneven(mptcp4, shape=None)
    for path in (0, 1):
        mptcp4.paths.shape(path, "40mbit", "75ms")
    two.choose("redundant")
    two.transfer(3 * MB // 2)  # congestion windows grow first
    got, _ = two.transfer(2 * MB, piece=16_000, pause=0.008)
    assert got[1] > 0.8 * 2 * MB, got
    two.close()


def test_redundant_with_checksums(mptcp4):
    for name in (CLIENT, SERVER):
        mptcp4.hosts.sysctl(name, "net.mptcp.checksum_enabled", 1)
    bad = counter(SERVER, "DataCsumErr")
    two = Two(mptcp4, more=("loss", "1%"))
    two.choose("redundant")
    got, duplicates = two.transfer(2 * MB)
    assert min(got) > 0.5 * MB and duplicates > 50, got
    assert counter(SERVER, "DataCsumErr") == bad
    two.close()


def test_redundant_for_who_reads_late(mptcp4):
    """Data of which a part came on the other path is charged to the session as the rest is."""
    mptcp4.hosts.sysctl(SERVER, "net.ipv4.tcp_rmem", "4096 1000000 1000000")
    two = Two(mptcp4)
    two.before = two.received()
    two.sender.send(two.out, 100_000)
    eventually(lambda: sum(two.progress()) == 100_000, "data")
    # From now on what comes stays with its subflow.
    two.receiver.setopt(two.inn, socket.SOL_SOCKET, socket.SO_RCVBUF, 40_000)
    mptcp4.paths.shape(0, "64kbit", "5ms")
    two.choose("redundant")
    two.before = two.received()
    two.sender.send(two.out, 30_000)
    eventually(lambda: all(n >= m for n, m in zip(two.progress(), (1, 30_000))), "copies")
    two.receiver.recv(two.inn, 130_000)
    text = on(SERVER, "ss", "-MnmH", f"( sport = :{two.session.port} )")
    assert all(int(part) < 2 ** 31 for part in re.findall(r",f(\d+),", text)), text
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


@pytest.mark.parametrize("cut", [0, 1])
def test_redundant_path_cut_in_the_middle(mptcp4, cut):
    """The other one does not even notice."""
    two = Two(mptcp4, shape=SLOW)
    two.choose("redundant")
    two.prepare_cut()
    two.begin(4 * MB)
    two.half(0.2)
    two.cut(cut)
    then = two.progress()
    got, _ = two.finish()
    assert MB / 2 < got[cut] < 3.6 * MB and got[cut] == then[cut], (then, got)
    assert got[1 - cut] > 0.9 * 4 * MB, (then, got)
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


def test_redundant_with_a_slow_and_lossy_path(mptcp4):
    """It sends less, and the fast one all."""
    two = Two(mptcp4)
    mptcp4.paths.shape(1, "1mbit", "40ms", "loss", "5%")
    two.choose("redundant")
    got, _ = two.transfer(4 * MB)
    assert got[0] > 0.95 * 4 * MB, got
    assert 0 < got[1] < 2 * MB, got
    two.close()


def test_redundant_newcomer_takes_part(mptcp4):
    two = Two(mptcp4, shape=SLOW)
    assert two.client.now(pm.CLOSE, a=2) == 0
    two.session.wait_subflows(SERVER, 1)
    two.choose("redundant")
    two.begin(6 * MB)
    two.half(0.1)
    two.before[1] = 0
    two.join()
    got, duplicates = two.finish()
    assert got[0] > 0.9 * 6 * MB and got[1] > MB / 4 and duplicates > 30, got
    two.close()


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_changed_in_the_middle_of_a_transfer(mptcp4, end):
    """default, redundant, roundrobin, default, each for a while."""
    two = Two(mptcp4, end, shape="2mbit")
    two.begin(4 * MB)
    seen = []
    for name in ("redundant", "roundrobin", "redundant", "default"):
        start = sum(two.progress())
        eventually(lambda: sum(two.progress()) > start + MB / 4, "progress", 120)
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
    two = Two(mptcp4, shape="3mbit", more=("loss", "1%"))
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
