# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcpoptctl says of sessions is what the kernel's own tools say."""
import json

from mptcp import PORT
from net import ADDRESS, CLIENT, SERVER, eventually
from paths import address


def sessions(loader, cgroup):
    return [entry for entry in json.loads(loader.ok("sessions", "--json"))
            if entry["cgroup"] == str(cgroup)]


def only(loader, cgroup, count):
    """The one session of a cgroup, once it has so many subflows that are established."""
    seen = []

    def settled():
        seen[:] = sessions(loader, cgroup)
        return len(seen) == 1 and count == len(
            [sf for sf in seen[0]["subflows"] if sf["state"] == "established"])
    try:
        eventually(settled, f"a session with {count} subflows")
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None
    return seen[0]


def ends(entry):
    return sorted((sf["local"], sf["remote"]) for sf in entry["subflows"])


def shown(sf):
    """As sessions has the two ends of what ss shows."""
    return tuple(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
                 for ip, port in ((sf.local, sf.lport), (sf.remote, sf.rport)))


def test_both_ends_are_as_ss_has_them(mptcp):
    mptcp.attach(CLIENT, "fullmesh")
    session = mptcp.connect()
    pairs = session.wait_subflows(CLIENT, 2)
    session.wait_subflows(SERVER, len(pairs))
    session.upload(100_000)
    entry = only(mptcp.loader, mptcp.cgroups[CLIENT], len(pairs))
    other = only(mptcp.loader, mptcp.cgroups[SERVER], len(pairs))
    assert ends(entry) == sorted(map(shown, session.subflows(CLIENT)))
    assert ends(other) == sorted(map(shown, session.subflows(SERVER)))
    [begun] = [sf for sf in pairs if sf.initial]
    assert int(entry["token"], 16) == begun.token
    [begun] = [sf for sf in session.subflows(SERVER) if sf.initial]
    assert int(other["token"], 16) == begun.token
    assert (entry["role"], other["role"]) == ("client", "server")
    assert entry["netns"]["cookie"] != other["netns"]["cookie"]
    assert [sf["initial"] for sf in entry["subflows"]] == [True] + [False] * (len(pairs) - 1)
    assert all(0 < sf["rtt_us"] < 10_000_000 for sf in entry["subflows"])
    # The data, and little beside it.
    assert 101_000 <= sum(sf["bytes_received"] for sf in other["subflows"]) < 200_000
    assert other["bytes_received"] == 101_000
    session.close()


def test_the_path_manager_is_named(mptcp4):
    mptcp4.attach(CLIENT, "fullmesh")
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 2)
    name = mptcp4.loader.entry("fullmesh", mptcp4.cgroups[CLIENT])["path_manager"]
    entry = only(mptcp4.loader, mptcp4.cgroups[CLIENT], 2)
    assert entry["path_manager"] == name and name.startswith("fullmesh.")
    assert {sf["interface"] for sf in entry["subflows"]} == {"eth0", "eth1"}
    assert only(mptcp4.loader, mptcp4.cgroups[SERVER], 2)["path_manager"] == "in-kernel"
    session.close()


def test_what_the_namespace_has_is_named(mptcp4):
    for name, value in ((CLIENT, "userspace"), (SERVER, "in-kernel")):
        mptcp4.paths.sysctl(name, "net.mptcp.pm_type", 1 if value == "userspace" else 0)
    session = mptcp4.connect()
    assert only(mptcp4.loader, mptcp4.cgroups[CLIENT], 1)["path_manager"] == "userspace"
    assert only(mptcp4.loader, mptcp4.cgroups[SERVER], 1)["path_manager"] == "in-kernel"
    session.close()


def test_backups_by_either_end(mptcp4):
    mptcp4.join(1, "backup")
    session = mptcp4.connect()
    session.wait_subflows(SERVER, 2)
    second = [[sf for sf in only(mptcp4.loader, mptcp4.cgroups[name], 2)["subflows"]
               if not sf["initial"]] for name in (CLIENT, SERVER)]
    assert [(sf["backup"], sf["peer_backup"]) for sfs in second for sf in sfs] == [
        (True, False), (False, True)]
    assert second[0][0]["local"].startswith(address(4, 1, CLIENT))
    session.close()


def test_a_subflow_that_was_reset_and_why(mptcp4):
    """The session goes on with the other one."""
    mptcp4.join(1)
    session = mptcp4.connect()
    session.wait_subflows(SERVER, 2)
    first = [sf for sf in session.subflows(SERVER) if sf.initial][0]
    session.kill(SERVER, first)
    session.wait_subflows(CLIENT, 1)
    entry = only(mptcp4.loader, mptcp4.cgroups[CLIENT], 1)
    assert not entry["subflows"][0]["initial"]
    assert entry["ended"]
    session.upload()
    session.close()


def test_the_table_has_a_line_a_subflow_within_100_columns(mptcp4):
    mptcp4.join(1, "backup")
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 2)
    only(mptcp4.loader, mptcp4.cgroups[CLIENT], 2)
    lines = mptcp4.loader.ok("sessions").splitlines()
    assert all(len(line) <= 100 for line in lines), lines
    for sf in session.subflows(CLIENT):
        assert len([line for line in lines
                    if line.split()[:2] == list(shown(sf))]) == 1, lines
    assert "\x1b" not in "".join(lines)
    session.close()


def test_more_sessions_than_a_message_holds(mptcp4):
    """Each once, though they come in pages."""
    listener = mptcp4.listen()
    for _ in range(200):
        mptcp4.hosts.peers[CLIENT].connect(ADDRESS[4][SERVER], PORT, mptcp=True)
        mptcp4.hosts.peers[SERVER].accept(listener)
    first = mptcp4.loader.ask({"command": "sessions", "after": ""})
    assert first["next"]
    found = sessions(mptcp4.loader, mptcp4.cgroups[CLIENT])
    assert len(found) == len({entry["token"] for entry in found}) == 200
