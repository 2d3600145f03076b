# SPDX-License-Identifier: GPL-2.0-or-later
"""The path manager fullmesh: each local with each remote address of its family."""
import itertools

import pytest

from bpfmap import Map
from mptcp import counter
from net import CLIENT, SERVER, SYN, eventually
from paths import ADD_ADDR, MP_JOIN, RM_ADDR, address

LONG = {"retry": 600_000, "retry_max": 600_000}
LOCAL_ADDRS = 8 + 16 * 32  # struct tcpopt_addrs


def mesh(mptcp, client=(0, 1), server=(0, 1)):
    """Pairs of addresses on these paths, of the families that the sockets can have."""
    families = [4] if mptcp.kind == "ipv4" else [4, 6]
    return [(address(family, here, CLIENT), address(family, there, SERVER))
            for family in families for here, there in itertools.product(client, server)]


@pytest.fixture
def meshed(mptcp):
    mptcp.attach(SERVER, "fullmesh", announce=1)
    mptcp.attach(CLIENT, "fullmesh")
    return mptcp


@pytest.fixture
def meshed4(mptcp4):
    mptcp4.attach(SERVER, "fullmesh", announce=1)
    mptcp4.attach(CLIENT, "fullmesh")
    return mptcp4


def test_two_by_two(meshed):
    meshed.paths.wire.begin()
    session = meshed.connect()
    session.wait_pairs(CLIENT, mesh(meshed))
    told = {(p.field("ipv4") + p.field("ipv6"))[0]
            for p in meshed.paths.wire.with_option(ADD_ADDR, SERVER)}
    wanted = {there for _, there in mesh(meshed)} - {address(meshed.family, 0, SERVER)}
    assert told == wanted
    session.download(300_000)
    assert all(sf.local_id == 0 for sf in session.subflows(CLIENT)
               if sf.local == address(meshed.family, 0, CLIENT))
    stats = meshed.stats(CLIENT, "fullmesh")
    assert stats["opened"] == stats["established"] == len(mesh(meshed)) - 1
    assert stats["remote"] == meshed.stats(SERVER, "fullmesh")["announced"] == len(wanted)
    assert stats["refused"] == stats["failed"] == stats["ended"] == 0
    session.close()


def test_nothing_is_announced_unless_asked_for(mptcp4):
    for name in (CLIENT, SERVER):
        mptcp4.attach(name, "fullmesh")
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, mesh(mptcp4, server=(0,)))
    session.exchange()
    assert mptcp4.stats(SERVER, "fullmesh")["announced"] == 0
    mptcp4.set(SERVER, "fullmesh", announce=1)
    session.wait_pairs(CLIENT, mesh(mptcp4))
    mptcp4.paths.wire.begin()
    mptcp4.set(SERVER, "fullmesh", announce=0)
    session.wait_pairs(CLIENT, mesh(mptcp4, server=(0,)))
    assert mptcp4.paths.wire.with_option(RM_ADDR, SERVER)
    session.close()


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_interface_goes_down_and_comes_back_during_a_transfer(meshed4, end):
    for path in (0, 1):
        meshed4.paths.shape(path, "20mbit")
    session = meshed4.connect()
    session.wait_pairs(CLIENT, mesh(meshed4))
    session.begin_download(12_000_000, timeout=200)
    meshed4.paths.link(end, 1, "down")
    left = {"client": (0,), "server": (0, 1)} if end == CLIENT else {"client": (0, 1), "server": (0,)}
    eventually(lambda: {sf.pair for sf in session.subflows(CLIENT)} <= set(mesh(meshed4, **left)),
               "subflows of the interface closed")
    meshed4.paths.link(end, 1, "up")
    session.wait_pairs(CLIENT, mesh(meshed4), timeout=60)
    session.end_download(12_000_000)
    session.close()


def test_address_removed_and_added_again(meshed):
    """It does not wait as what came to an end there would."""
    meshed.set(CLIENT, "fullmesh", **LONG)
    session = meshed.connect()
    session.wait_pairs(CLIENT, mesh(meshed))
    gone = address(meshed.family, 1, CLIENT)
    before = counter(SERVER, "RmAddr")
    meshed.paths.del_address(CLIENT, gone, 1)
    session.wait_pairs(CLIENT, [pair for pair in mesh(meshed) if pair[0] != gone])
    eventually(lambda: counter(SERVER, "RmAddr") > before, "RM_ADDR received")
    session.exchange()
    meshed.paths.restore(CLIENT, meshed.family, 1)
    session.wait_pairs(CLIENT, mesh(meshed))
    session.exchange()
    assert meshed.stats(CLIENT, "fullmesh")["local_gone"] >= 1


def test_announced_address_removed_and_added_again(meshed4):
    """The same for one of the peer."""
    meshed4.set(CLIENT, "fullmesh", **LONG)
    session = meshed4.connect()
    session.wait_pairs(CLIENT, mesh(meshed4))
    meshed4.paths.del_address(SERVER, address(4, 1, SERVER), 1)
    session.wait_pairs(CLIENT, mesh(meshed4, server=(0,)))
    eventually(lambda: meshed4.stats(CLIENT, "fullmesh")["remote_gone"] == 1, "taken back")
    session.exchange()
    meshed4.paths.restore(SERVER, 4, 1)
    session.wait_pairs(CLIENT, mesh(meshed4))
    session.exchange()


def test_announced_address_after_one_that_failed(meshed4):
    """It takes the place of that one, but has nothing to wait for."""
    meshed4.set(CLIENT, "fullmesh", **LONG)
    bad, good = address(4, 1, SERVER), "10.9.1.3"
    meshed4.paths.nft(SERVER, f"ip daddr {bad} tcp flags & (syn|ack) == syn reject with tcp reset")
    session = meshed4.connect()
    eventually(lambda: meshed4.stats(CLIENT, "fullmesh")["failed"] == 2, "both attempts")
    meshed4.paths.del_address(SERVER, bad, 1)
    eventually(lambda: meshed4.stats(CLIENT, "fullmesh")["remote_gone"] == 1, "taken back")
    meshed4.paths.add_address(SERVER, good, 1)
    session.wait_pairs(CLIENT, mesh(meshed4, server=(0,)) +
                       [(address(4, path, CLIENT), good) for path in (0, 1)])


def test_first_interface_goes(meshed4):
    """The initial subflow, too, if others are left; the session lives on."""
    session = meshed4.connect()
    session.wait_pairs(CLIENT, mesh(meshed4))
    meshed4.paths.link(CLIENT, 0, "down")
    session.wait_pairs(CLIENT, mesh(meshed4, client=(1,)))
    session.download(100_000)
    meshed4.paths.link(CLIENT, 0, "up")
    session.wait_pairs(CLIENT, mesh(meshed4))
    session.download(100_000)
    session.close()


def test_most_subflows_on_an_interface(meshed4):
    meshed4.set(CLIENT, "fullmesh", per_interface=1)
    session = meshed4.connect()
    flows = session.wait_subflows(CLIENT, 2)
    assert sorted(sf.local for sf in flows) == [address(4, path, CLIENT) for path in (0, 1)]
    meshed4.set(CLIENT, "fullmesh", per_interface=0)
    session.wait_pairs(CLIENT, mesh(meshed4))
    meshed4.set(CLIENT, "fullmesh", per_interface=1)
    flows = session.wait_subflows(CLIENT, 2)
    assert sorted(sf.local for sf in flows) == [address(4, path, CLIENT) for path in (0, 1)]
    assert [sf for sf in flows if sf.initial]
    session.exchange()


def test_lists_reach_live_sessions(meshed4):
    session = meshed4.connect()
    session.wait_pairs(CLIENT, mesh(meshed4))
    meshed4.set(CLIENT, "fullmesh", **{"except": "*1"})
    session.wait_pairs(CLIENT, mesh(meshed4, client=(0,)))
    meshed4.set(CLIENT, "fullmesh", **{"except": "", "backup": "eth1"})
    session.wait_pairs(CLIENT, mesh(meshed4))
    second = address(4, 1, CLIENT)
    meshed4.set(CLIENT, "fullmesh", noprefix=f"{second}/32")
    session.wait_pairs(CLIENT, mesh(meshed4, client=(0,)))
    meshed4.set(CLIENT, "fullmesh", noprefix="", prefix="10.9.0.0/16")
    session.wait_pairs(CLIENT, mesh(meshed4))
    eventually(lambda: all(sf.backup == (sf.local == second) for sf in session.subflows(CLIENT)),
               "those of eth1 are a backup")
    meshed4.set(CLIENT, "fullmesh", backup="eth0")
    eventually(lambda: all(sf.backup == (sf.local != second) for sf in session.subflows(CLIENT)),
               "those of eth0 are")
    session.exchange()


def test_a_backup_from_its_first_segment_on(meshed4):
    """The join says it, before anybody could send data on it."""
    meshed4.set(CLIENT, "fullmesh", backup="eth1")
    meshed4.paths.wire.begin()
    meshed4.connect().wait_pairs(CLIENT, mesh(meshed4))
    joins = {(p.src, p.dst): p.field("backup.flag") == ["1"]
             for p in meshed4.paths.wire.with_option(MP_JOIN, CLIENT) if p.flags == SYN}
    second = address(4, 1, CLIENT)
    assert joins == {pair: pair[0] == second for pair in mesh(meshed4)[1:]}


def test_pair_that_fails_is_left_alone_for_longer_and_longer(mptcp4):
    mptcp4.attach(CLIENT, "fullmesh", retry=200, retry_max=3600000)
    mptcp4.paths.nft(SERVER, "iifname eth1 tcp flags & (syn|ack) == syn reject with tcp reset")
    session = mptcp4.connect()
    eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["opened"] >= 5, "some attempts")
    start = mptcp4.stats(CLIENT, "fullmesh")["opened"]
    for _ in range(8):
        session.exchange()
    assert mptcp4.stats(CLIENT, "fullmesh")["opened"] <= start + 2


def test_pair_that_the_peer_prohibits_is_left_alone(mptcp4):
    """Its RST says so when the join was all but done."""
    mptcp4.attach(CLIENT, "fullmesh", retry=10, retry_max=10)
    mptcp4.paths.limits(SERVER, subflows=0)
    session = mptcp4.connect()
    eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["prohibited"] == 1, "heeded")
    for _ in range(5):
        session.exchange()
    assert mptcp4.stats(CLIENT, "fullmesh")["opened"] == 1


def test_without_a_list_the_kernels_word_counts(meshed4):
    """The daemon is gone, and so is what it listed."""
    import signal
    meshed4.loader.stop(signal.SIGKILL)
    cgroup = meshed4.cgroups[CLIENT]
    pins = meshed4.loader.bpffs / f"fullmesh@{cgroup.stat().st_ino}" / "maps"
    listed = Map(pins / "local_addr_map", 8, LOCAL_ADDRS)
    for key in listed.keys():
        listed.delete(key)
    session = meshed4.connect()
    session.wait_pairs(CLIENT, mesh(meshed4, client=(0,)))
    meshed4.paths.add_address(CLIENT, "10.9.1.7", 1)
    more = [("10.9.1.7", address(4, there, SERVER)) for there in (0, 1)]
    session.wait_pairs(CLIENT, mesh(meshed4, client=(0,)) + more)
    meshed4.paths.del_address(CLIENT, "10.9.1.7", 1)
    session.wait_pairs(CLIENT, mesh(meshed4, client=(0,)))
    listed.close()
    meshed4.loader.start()
