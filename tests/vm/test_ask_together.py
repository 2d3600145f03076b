# SPDX-License-Identifier: GPL-2.0-or-later
"""All programs that ask by an MPTCP option, in the same session, beside a path manager."""
import pytest

from ask import Ask
from bpfmap import Map
from net import CLIENT, SERVER, eventually

EXIDS = {"ratelimit": 0x726c, "scheduler": 0x7073, "threshold": 0x6474, "idle": 0x6974}
ASKED = {"ratelimit": {"rate": 4000, "interfaces": "eth1"}, "scheduler": {"request": "roundrobin"},
         "threshold": {"limit": 5000}, "idle": {"timeout": 100}}
SERVED = {"ratelimit": {}, "scheduler": {"allow": "roundrobin"}, "threshold": {}, "idle": {}}


def kept(mptcp, name, program):
    """Sessions that a program keeps something of."""
    maps = mptcp.loader.bpffs / f"{program}@{mptcp.cgroups[name].stat().st_ino}" / "maps"
    sessions = Map(maps / "sessions", 4, 4)
    found = len(sessions.keys())
    sessions.close()
    return found


@pytest.mark.parametrize("manager", [None, "fullmesh"])
def test_all_at_once(mptcp4, manager):
    programs = [Ask(mptcp4, name, exid) for name, exid in EXIDS.items()]
    for one in programs:
        one.attach(SERVER, **SERVED[one.program])
        one.attach(CLIENT, **ASKED[one.program])
    if manager:
        mptcp4.attach(CLIENT, manager, interfaces="eth*")
    else:
        mptcp4.join()
    session = mptcp4.connect()
    flows = session.wait_subflows(SERVER, 2)
    for one in programs:
        one.told()
        one.wait(SERVER, sessions=1, received=1, taken=0)
    eventually(lambda: sorted(sf.pacing_max or 0 for sf in session.subflows(SERVER)) ==
               [0, 4_000_000], "one is limited")
    for name in (CLIENT, SERVER):
        session.exchange()
        assert [kept(mptcp4, name, one.program) for one in programs] == [1] * 4
    assert all(not sf.backup and not sf.peer_backup for sf in flows)
    session.close()
    for name in (CLIENT, SERVER):
        eventually(lambda: not any(kept(mptcp4, name, one.program) for one in programs),
                   "nothing is kept of what is over")


def test_a_peer_without_mptcp(mptcp4):
    """Nothing to ask, and nothing is kept."""
    programs = [Ask(mptcp4, name, exid) for name, exid in EXIDS.items()]
    for one in programs:
        one.attach(CLIENT, **ASKED[one.program])
    session = mptcp4.connect(server_mptcp=False)
    session.exchange()
    for one in programs:
        assert one.stats(CLIENT)["asked"] == 0
    eventually(lambda: not any(kept(mptcp4, CLIENT, one.program) for one in programs),
               "nothing is kept of what fell back")


def test_a_peer_without_the_programs(mptcp4):
    """It does not answer; the session does not mind."""
    programs = [Ask(mptcp4, name, exid) for name, exid in EXIDS.items()]
    for one in programs:
        one.attach(CLIENT, **ASKED[one.program])
    mptcp4.join()
    session = mptcp4.connect()
    session.wait_subflows(SERVER, 2)
    for one in programs:
        eventually(lambda: one.stats(CLIENT)["lost"] == 1, f"{one.program} gave up", 120)
        assert one.stats(CLIENT)["asked"] == 1
    session.exchange()
    session.close()
