# SPDX-License-Identifier: GPL-2.0-or-later
"""Path managers of struct_ops, which sessions choose by name."""
import errno
import struct
from typing import NamedTuple

import pytest

import bpfmap
import libbpf
from conftest import BUILD
from mptcp import counter
from net import CLIENT, SERVER, eventually, run
from paths import address

NOW = 0xFFFFFFFF  # of opsprobe's `tick`


class Probe(NamedTuple):
    """struct opsprobe"""
    open_at_first: int = 0
    port: int = 0
    open_again: int = 0
    close_others: int = 0
    tick: int = 0
    refuse: int = 0
    announce: int = 0
    backup: int = 0
    scheduler: int = 0
    established: int = 0
    joined: int = 0
    closed: int = 0
    timers: int = 0
    opened: int = 0
    refused: int = 0
    error: int = 0
    claim: int = 1
    asked: int = 0
    priority: int = 0
    added: int = 0
    removed: int = 0
    up: int = 0
    down: int = 0
    announced: int = 0
    read: int = 0
    last_added: int = 0
    last_removed: int = 0
    set_scheduler: int = 1
    set_no_scheduler: int = 1
    set_backup: int = 1
    withdraw: int = 1
    token: int = 0


FORMAT = "=15I2i10I4iI"  # of Probe


class Manager:
    """An object with struct_ops and the program that chooses them."""

    def __init__(self, path, claim, data, value):
        self.claim = claim
        self.object = libbpf.Object(BUILD / path)
        assert self.object.load(), path
        self.map = bpfmap.Map(None, 4, len(value), self.object.map_fd(data))
        self.map.set(0, value)

    def attach(self, cgroup):
        assert self.object.register() == 0
        self.object.attach(self.claim, cgroup)

    def end(self):
        self.object.close()


class Opsprobe(Manager):
    def __init__(self, **fields):
        super().__init__("tracing-progs/opsprobe.bpf.o", "claim", ".bss", struct.pack(FORMAT, *Probe(**fields)))

    def seen(self):
        return Probe(*struct.unpack(FORMAT, self.map.get(0)))

    def wait(self, what, **least):
        """Until each is at least so much."""
        def there():
            now = self.seen()
            return all(getattr(now, name) >= value for name, value in least.items())
        try:
            eventually(there, what, 60)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.seen()}") from None
        return self.seen()


class Ndiffports(Manager):
    def __init__(self, subflows, replace=0, retry=100, server=0):
        super().__init__("bpf-progs/ndiffports.bpf.o", "ndiffports", "params",
                         struct.pack("=4I", subflows, replace, retry, server))

    def set(self, subflows, replace=0, retry=100):
        self.map.set(0, struct.pack("=4I", subflows, replace, retry, 0))


@pytest.fixture
def managers():
    made = []

    def make(kind, *args, **fields):
        made.append(kind(*args, **fields))
        return made[-1]
    yield make
    for one in made:
        one.end()


def ports(session):
    return {sf.lport for sf in session.subflows(CLIENT)}


def test_as_many_as_wanted(mptcp, managers):
    managers(Ndiffports, 4).attach(mptcp.cgroups[CLIENT])
    session = mptcp.connect()
    session.wait_subflows(CLIENT, 4)
    session.wait_subflows(SERVER, 4)
    session.download(100_000)
    session.close()


@pytest.mark.parametrize("replace", [0, 1])
def test_a_lost_one(mptcp4, managers, replace):
    managers(Ndiffports, 4, replace).attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    four = session.wait_subflows(CLIENT, 4)
    session.kill(CLIENT, four[-1])
    if replace:
        eventually(lambda: len(ports(session)) == 4 and four[-1].lport not in ports(session),
                   "one in its place")
    else:
        session.wait_subflows(CLIENT, 3)
        session.exchange()
        assert len(ports(session)) == 3
    session.close()


def test_attached_again(mptcp4, managers):
    """Sessions of a path manager that is gone are those of the next one of its name."""
    first = managers(Ndiffports, 2)
    first.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    two = {sf.lport for sf in session.wait_subflows(CLIENT, 2)}
    assert managers(Ndiffports, 3).object.register() == errno.EEXIST
    first.object.detach("operations")
    session.exchange()
    assert ports(session) == two
    managers(Ndiffports, 4).attach(mptcp4.cgroups[CLIENT])
    session.wait_subflows(CLIENT, 4)
    assert two <= ports(session)
    session.close()


def test_nobody_has_the_name(mptcp4, managers):
    """The session is left to the kernel."""
    probe = managers(Opsprobe, open_at_first=1)
    probe.object.attach("claim", mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    assert probe.seen().claim == -errno.ENOENT
    session.close()
    probe.object.register()
    probe.object.detach("operations")
    session = mptcp4.connect(port=7200)
    assert probe.seen().claim == -errno.ENOENT
    session.close()
    assert probe.seen().established == 0


def test_more_than_may_be_opened(mptcp4, managers):
    probe = managers(Opsprobe, open_at_first=40)
    probe.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    seen = probe.wait("40 tries", refused=1)
    assert seen.opened + seen.refused == 40 and seen.established == 1
    assert seen.error == -errno.EAGAIN
    probe.wait("those that joined", joined=1)
    session.download(100_000)
    session.close()


def test_opening_again_holds_nobody_up(mptcp4, managers):
    """Nobody listens on that port: each is refused, and the program opens the next ones as soon
    as it may, which is some time after.
    """
    probe = managers(Opsprobe, open_at_first=1, open_again=1, port=7999)
    probe.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    assert probe.wait("a refusal", closed=1, refused=40).error == -errno.EAGAIN
    probe.wait("further ones", closed=30)
    session.download(100_000)
    session.close()
    mptcp4.connect(port=7200).close()


def test_closing_others_as_one_closes(mptcp4, managers):
    probe = managers(Opsprobe, open_at_first=6, close_others=1)
    probe.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    seven = session.wait_subflows(CLIENT, 7)
    session.kill(CLIENT, seven[3])
    session.wait_subflows(CLIENT, 1)
    seen = probe.seen()
    assert (seen.closed, seen.error) == (1, 0)
    session.exchange()
    session.close()


def test_timer_without_end(mptcp4, managers):
    probe = managers(Opsprobe, tick=NOW)
    probe.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    probe.wait("timers", timers=20)
    session.download(100_000)
    session.close()
    last = probe.seen().timers
    mptcp4.connect(port=7200).close()
    assert probe.seen().established == 2 and last >= 20


def test_gone_while_sessions_live(mptcp4, managers):
    probe = managers(Opsprobe, tick=1)
    probe.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    probe.wait("a timer", timers=3)
    probe.object.detach("operations")
    session.download(100_000)
    session.close()


def test_subflows_of_the_peer(mptcp4, managers):
    """Refused as they come, and accepted."""
    managers(Ndiffports, 3).attach(mptcp4.cgroups[CLIENT])
    probe = managers(Opsprobe, refuse=1)
    probe.attach(mptcp4.cgroups[SERVER])
    session = mptcp4.connect()
    probe.wait("both requests", asked=2)
    session.exchange()
    assert len(session.subflows(SERVER)) == 1 and probe.seen().joined == 0
    session.close()


def test_subflows_that_are_accepted(mptcp4, managers):
    managers(Ndiffports, 3).attach(mptcp4.cgroups[CLIENT])
    probe = managers(Opsprobe)
    probe.attach(mptcp4.cgroups[SERVER])
    session = mptcp4.connect()
    session.wait_subflows(SERVER, 3)
    probe.wait("both", asked=2, joined=2)
    session.close()


def test_the_peers_addresses(mptcp4, managers):
    """And once more to one that takes over."""
    first = managers(Opsprobe)
    first.attach(mptcp4.cgroups[CLIENT])
    second = address(4, 1, SERVER)
    mptcp4.paths.endpoint(SERVER, second, "signal")
    session = mptcp4.connect()
    ident = first.wait("an announcement", added=1).last_added
    assert ident
    first.object.detach("operations")
    other = managers(Opsprobe)
    other.attach(mptcp4.cgroups[CLIENT])
    assert other.wait("the same", added=1).last_added == ident
    run("ip", "-n", SERVER, "mptcp", "endpoint", "flush")
    assert other.wait("a withdrawal", removed=1).last_removed == ident
    session.exchange()
    session.close()
    assert (first.seen().added, other.seen().added) == (1, 1)


def test_local_addresses(mptcp4, managers):
    probe = managers(Opsprobe)
    probe.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    probe.wait("the session", established=1)
    run("ip", "-n", CLIENT, "addr", "add", "10.99.0.1/24", "dev", "eth1")
    probe.wait("an address", up=1)
    run("ip", "-n", CLIENT, "addr", "del", "10.99.0.1/24", "dev", "eth1")
    probe.wait("that it went", down=1)
    session.close()


def test_announcements_one_at_a_time(mptcp4, managers):
    probe = managers(Opsprobe, announce=4)
    probe.attach(mptcp4.cgroups[SERVER])
    before = counter(CLIENT, "AddAddr")
    session = mptcp4.connect()
    probe.wait("the session", established=1)
    eventually(lambda: counter(CLIENT, "AddAddr") - before >= 4, "all of them at the client")
    session.exchange()
    session.close()
    assert probe.seen().announce == 0


def test_what_a_call_returns(mptcp4, managers):
    probe = managers(Opsprobe, scheduler=1)
    probe.attach(mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    seen = probe.wait("the session", established=1)
    assert (seen.set_scheduler, seen.set_no_scheduler, seen.set_backup, seen.withdraw) == (
        0, -errno.ENOENT, -errno.ENOENT, -errno.EINVAL)
    session.download(100_000)
    probe.wait("that the application reads", read=1)
    session.close()


def test_backups(mptcp4, managers):
    """Both ends know it."""
    ours = managers(Opsprobe, open_at_first=1, backup=1)
    ours.attach(mptcp4.cgroups[CLIENT])
    ours.object.attach("again", mptcp4.cgroups[SERVER])
    session = mptcp4.connect()
    ours.wait("MP_PRIO", priority=1)
    session.exchange()
    session.close()


def test_of_a_network_namespace(mptcp4, managers):
    """For sessions that choose none; without a program of type sock_ops."""
    def sysctl(*arguments):
        return run("ip", "netns", "exec", CLIENT, "sysctl", "-n", *arguments, check=False).strip()
    probe = managers(Opsprobe, open_at_first=1)
    probe.object.register()
    assert sysctl("net.mptcp.available_path_managers").split() == ["kernel", "userspace",
                                                                   "opsprobe"]
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.path_manager", "opsprobe")
    sysctl("-w", "net.mptcp.path_manager=nosuch")
    assert sysctl("net.mptcp.path_manager") == "opsprobe"
    session = mptcp4.connect()
    probe.wait("the session", established=1)
    session.wait_subflows(CLIENT, 2)
    session.close()
    probe.object.detach("operations")
    mptcp4.connect(port=7200).close()
    assert probe.seen().established == 1
    for name, kind in (("userspace", "1"), ("kernel", "0")):
        sysctl("-w", f"net.mptcp.path_manager={name}")
        assert (sysctl("net.mptcp.path_manager"), sysctl("net.mptcp.pm_type")) == (name, kind)


def test_a_program_comes_before_the_network_namespace(mptcp4, managers):
    probe = managers(Opsprobe)
    probe.object.register()
    managers(Ndiffports, 3).attach(mptcp4.cgroups[CLIENT])
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.path_manager", "opsprobe")
    mptcp4.connect().wait_subflows(CLIENT, 3)
    assert probe.seen().established == 0
