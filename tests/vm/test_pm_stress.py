# SPDX-License-Identifier: GPL-2.0-or-later
"""Many kills and address flaps during one long transfer: no byte is lost or changed.

The debug kernel runs this, too, and fails on any report of its checkers.
"""
from net import CLIENT, SERVER, eventually
from paths import address

KILLS, FLAPS = 200, 100
CHUNK = 400_000


def keep_downloading(session, steps):
    """One stream, in chunks whose digests are checked, as `steps` goes on."""
    for _ in steps:
        session.begin_download(CHUNK, timeout=120)
        yield
        session.end_download(CHUNK)


def slabs():
    """Objects in use of the kinds that sessions and subflows are made of."""
    found = {}
    with open("/proc/slabinfo", encoding="ascii") as file:
        for line in file.readlines()[2:]:
            name, active = line.split()[:2]
            if name.startswith(("MPTCP", "mptcp", "request_sock_subflow", "TCP")):
                found[name] = int(active)
    return found


def test_subflows_are_killed_all_the_time(mptcp4):
    """By either end in turn, the initial one as well."""
    mptcp4.attach(CLIENT, "refresh", min=10, max=100, syns=1000)
    mptcp4.probe(SERVER)
    session = mptcp4.connect()
    killed = 0
    for _ in keep_downloading(session, range(KILLS)):
        flows = eventually(lambda: session.subflows(SERVER), "a subflow")
        session.kill(SERVER, flows[0])
        killed += 1
    assert killed == KILLS
    stats = mptcp4.stats(CLIENT, "refresh")
    assert stats["reset"] >= KILLS * 9 // 10 and stats["established"] > KILLS // 2
    session.exchange()
    session.close()


def test_addresses_flap_all_the_time(mptcp4):
    mptcp4.attach(SERVER, "fullmesh", announce=1)
    mptcp4.attach(CLIENT, "fullmesh", retry=50, retry_max=200)
    session = mptcp4.connect()
    second = address(4, 1, CLIENT)
    for step in keep_downloading(session, range(FLAPS)):
        mptcp4.paths.del_address(CLIENT, second, 1)
        mptcp4.paths.undo.pop()
        mptcp4.paths.restore(CLIENT, 4, 1)
        assert step is None
    pairs = [(address(4, here, CLIENT), address(4, there, SERVER))
             for here in (0, 1) for there in (0, 1)]
    session.wait_pairs(CLIENT, pairs, timeout=60)
    session.exchange()
    session.close()


def test_nothing_is_left_behind(mptcp4):
    """Sessions with many subflows, closed and reset; then as many objects as before."""
    mptcp4.attach(CLIENT, "ndiffports", subflows=8)
    mptcp4.attach(SERVER, "ndiffports")

    def some():
        for number in range(10):
            session = mptcp4.connect()
            eventually(lambda: len(session.subflows(CLIENT)) >= 8, "8 subflows")
            if number % 2:
                session.close()
            else:
                mptcp4.hosts.peers[CLIENT].reset()
                mptcp4.hosts.peers[CLIENT].join(str(mptcp4.cgroups[CLIENT]))
                session.server.close(session.inn)
    some()
    before = slabs()
    some()
    some()
    eventually(lambda: all(slabs()[name] <= before[name] + 40 for name in before),
               f"as many as before: {before}", timeout=90)
