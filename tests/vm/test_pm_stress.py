# SPDX-License-Identifier: GPL-2.0-or-later
"""Many kills and address flaps during one long transfer: no byte is lost or changed,
and nothing is left behind.

On the debug kernel, which fails on any report of its checkers; what is not a
socket is left to kmemleak, with which scripts/vm ends.
"""
import pathlib

import pytest

from mptcp import PORT
from net import CLIENT, SERVER, eventually, run
from paths import address, on

KILLS, FLAPS = 200, 100
CHUNK = 400_000
SLABS = pathlib.Path("/sys/kernel/slab")
SOCKETS = ("MPTCP", "MPTCPv6", "TCP", "TCPv6", "request_sock_subflow_v4",
           "request_sock_subflow_v6")
SLACK = 10  # listeners


def sockets():
    """How many of each kind the kernel has."""
    for name in SOCKETS:
        # KASAN keeps what was freed, and it counts as in use.
        (SLABS / name / "shrink").write_text("1", encoding="ascii")
    lines = pathlib.Path("/proc/slabinfo").read_text(encoding="ascii").splitlines()
    found = {line.split()[0]: int(line.split()[1]) for line in lines[2:]}
    return {name: found[name] for name in SOCKETS}


def left(before):
    """Kinds of which there are more now, and how many."""
    return {name: count - before[name] for name, count in sockets().items()
            if count > before[name] + SLACK}


@pytest.fixture(autouse=True)
def nothing_left(mptcp4):
    """Of the sessions of a test, which it has closed."""
    assert pathlib.Path("/sys/kernel/debug/kmemleak").exists(), "not the debug kernel"
    before = sockets()
    yield
    eventually(lambda: not left(before), f"{before} sockets again, {left(before)} more", 120)
    assert mptcp4.hosts.peers


def keep_downloading(session, steps):
    """One stream, in chunks whose digests are checked, as `steps` goes on."""
    for _ in steps:
        session.begin_download(CHUNK, timeout=120)
        yield
        session.end_download(CHUNK)


def test_what_is_left_is_seen(mptcp4):
    before = sockets()
    mptcp4.attach(CLIENT, "ndiffports", subflows=3)
    sessions = [mptcp4.connect() for _ in range(8)]
    eventually(lambda: len(sessions[0].subflows(CLIENT)) == 24, "24 subflows")
    more = left(before)
    assert more.keys() == {"MPTCP", "TCP"} and more["TCP"] >= 48, more
    for number, session in enumerate(sessions):
        if number % 2:
            session.close()
        else:
            session.client.close(session.out)
            session.server.close(session.inn)


def test_subflows_are_killed_all_the_time(mptcp4):
    """By the server, the initial one as well."""
    mptcp4.attach(CLIENT, "refresh", min=10, max=100, syns=1000)
    mptcp4.probe(SERVER)
    session = mptcp4.connect()
    killed = 0
    for _ in keep_downloading(session, range(KILLS)):
        # One program, as each takes long here: what it kills it also shows.
        gone = eventually(lambda: on(SERVER, "ss", "-K", "-tnH", "state", "established",
                                     f"( sport = :{PORT} )"), "a subflow")
        killed += len(gone.splitlines())
    assert killed >= KILLS
    stats = mptcp4.stats(CLIENT, "refresh")
    assert stats["reset"] >= KILLS * 9 // 10 and stats["established"] > KILLS // 2
    session.exchange()
    session.close()


def test_addresses_flap_all_the_time(mptcp4, tmp_path):
    mptcp4.attach(SERVER, "fullmesh", announce=1)
    mptcp4.attach(CLIENT, "fullmesh", retry=50, retry_max=200)
    session = mptcp4.connect()
    second = address(4, 1, CLIENT)
    pairs = [(address(4, here, CLIENT), address(4, there, SERVER))
             for here in (0, 1) for there in (0, 1)]
    session.wait_pairs(CLIENT, pairs)
    there = f"address add {second}/24 dev eth1\n"
    there += f"route replace default via {address(4, 1, SERVER)} dev eth1 table 101\n"
    (tmp_path / "add").write_text(there, encoding="ascii")
    for _ in keep_downloading(session, range(FLAPS)):
        run("ip", "-n", CLIENT, "address", "del", f"{second}/24", "dev", "eth1")
        run("ip", "-n", CLIENT, "-batch", str(tmp_path / "add"))
    session.wait_pairs(CLIENT, pairs, timeout=60)
    stats = mptcp4.stats(CLIENT, "fullmesh")
    assert stats["local_gone"] >= FLAPS * 9 // 10 and stats["established"] >= FLAPS // 2, stats
    session.exchange()
    session.close()
