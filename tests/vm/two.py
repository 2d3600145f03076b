# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions with a subflow on each path, as tests of packet schedulers need them."""
import time

import probe as pm
from mptcp import counter
from net import CLIENT, SERVER, digest, eventually
from paths import FAST, INTERFACES, address, on

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


def uneven(mptcp4, **options):
    """The session has room for 2 MB, but its second subflow for little of it."""
    mptcp4.hosts.sysctl(SERVER, "net.ipv4.tcp_rmem", "4096 4000000 6000000")
    mptcp4.hosts.sysctl(CLIENT, "net.ipv4.tcp_wmem", "4096 2000000 4000000")
    return Two(mptcp4, prepare_join=lambda: mptcp4.hosts.sysctl(
        CLIENT, "net.ipv4.tcp_wmem", "4096 16384 4000000"), **options)
