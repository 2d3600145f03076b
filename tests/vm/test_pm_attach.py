# SPDX-License-Identifier: GPL-2.0-or-later
"""Path managers of struct_ops, as the daemon attaches them: one by name for each cgroup."""
import os
import signal

from conftest import started
from net import CLIENT, SERVER, eventually, run

NDIFFPORTS = "ndiffports"


def registered():
    """Names, as bpftool has them, of maps of struct_ops."""
    return [line for line in run("bpftool", "map", "list").splitlines() if "struct_ops" in line]


def name_of(mptcp, cgroup):
    return mptcp.loader.entry(NDIFFPORTS, cgroup)["path_manager"]


def test_attached_again_takes_live_sessions_over(mptcp4):
    mptcp4.attach(CLIENT, NDIFFPORTS, subflows=2)
    cgroup = mptcp4.cgroups[CLIENT]
    before = name_of(mptcp4, cgroup)
    session = mptcp4.connect()
    two = {sf.lport for sf in session.wait_subflows(CLIENT, 2)}
    mptcp4.loader.tell("detach", NDIFFPORTS, cgroup)
    session.exchange()
    assert {sf.lport for sf in session.subflows(CLIENT)} == two, "they stay as they are"
    mptcp4.attach(CLIENT, NDIFFPORTS, subflows=4)
    assert name_of(mptcp4, cgroup) == before
    four = {sf.lport for sf in session.wait_subflows(CLIENT, 4)}
    assert two < four
    mptcp4.set(CLIENT, NDIFFPORTS, subflows=1)
    session.wait_subflows(CLIENT, 1)
    session.close()


def test_two_cgroups_are_two_path_managers(mptcp4, make_cgroup):
    other = make_cgroup("other")
    mptcp4.attach(CLIENT, NDIFFPORTS, subflows=2)
    mptcp4.attach(CLIENT, NDIFFPORTS, cgroup=other, subflows=3)
    names = {name_of(mptcp4, cgroup) for cgroup in (mptcp4.cgroups[CLIENT], other)}
    assert len(names) == 2 and all(name.startswith("ndiff") for name in names)
    one = mptcp4.connect()
    two = mptcp4.connect(client=mptcp4.peer(CLIENT, other), port=7200)
    one.wait_subflows(CLIENT, 2)
    two.wait_subflows(CLIENT, 3)
    mptcp4.loader.tell("detach", NDIFFPORTS, other)
    mptcp4.set(CLIENT, NDIFFPORTS, subflows=4)
    one.wait_subflows(CLIENT, 4)
    assert len(two.subflows(CLIENT)) == 3
    for session in (one, two):
        session.close()


def test_detached_leaves_nothing_in_the_kernel(mptcp4):
    before = registered()
    mptcp4.attach(CLIENT, NDIFFPORTS, subflows=2)
    assert len(registered()) == len(before) + 1
    mptcp4.connect().close()
    mptcp4.loader.tell("detach", NDIFFPORTS, mptcp4.cgroups[CLIENT])
    eventually(lambda: registered() == before, "no operations left")


def test_killed_daemon_leaves_it_to_the_next(mptcp4):
    mptcp4.attach(CLIENT, NDIFFPORTS, subflows=2)
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 2)
    mptcp4.loader.stop(signal.SIGKILL)
    later = mptcp4.connect(port=7200)
    later.wait_subflows(CLIENT, 2)
    mptcp4.loader.start()
    mptcp4.set(CLIENT, NDIFFPORTS, subflows=3)
    for one in (session, later):
        one.wait_subflows(CLIENT, 3)
        one.close()


def test_the_name_is_taken(mptcp4, tmp_path):
    """By another daemon's, of the same program on the same cgroup."""
    mptcp4.attach(CLIENT, NDIFFPORTS, subflows=2)
    other = started(tmp_path, "other")
    try:
        before = sorted(os.listdir(other.bpffs))
        done = other.ctl("attach", NDIFFPORTS, "--cgroup", mptcp4.cgroups[CLIENT])
        assert done.returncode and "another path manager has its name" in done.stderr, done
        assert sorted(os.listdir(other.bpffs)) == before and other.list() == []
        session = mptcp4.connect()
        session.wait_subflows(CLIENT, 2)
        session.close()
    finally:
        other.end()


def test_a_cgroup_that_went_takes_its_path_manager_along(mptcp4, make_cgroup):
    before = registered()
    gone = make_cgroup("gone")
    mptcp4.attach(SERVER, NDIFFPORTS, cgroup=gone)
    gone.rmdir()
    eventually(lambda: mptcp4.loader.list() == [] and registered() == before, "all of it")
