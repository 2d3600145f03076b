# SPDX-License-Identifier: GPL-2.0-or-later
"""Who manages the paths of a session: one path manager that was chosen, or the kernel's."""
import errno
import signal
import subprocess

import pytest

import probe as pm
from conftest import BUILD
from mptcp import counter
from net import ADDRESS, CLIENT, SERVER, eventually
from paths import MP_JOIN, SECOND, address

UNCLAIMED = {"claim_at": 0}


def ops(probe, **fields):
    return [e.op for e in probe.events(**fields)]


@pytest.mark.parametrize("at", [pm.NEW_SESSION, pm.FULLY_ESTABLISHED])
def test_claimed_when_new_or_established(mptcp, at):
    probes = [mptcp.probe(name, claim_at=at) for name in (CLIENT, SERVER)]
    mptcp.connect()
    for probe in probes:
        assert probe.wait(at).claimed == 0
        probe.wait(pm.MANAGES)


def test_unclaimed_session_tells_of_its_life_only(mptcp):
    """And the kernel manages its paths as before."""
    probes = [mptcp.probe(name, **UNCLAIMED) for name in (CLIENT, SERVER)]
    family = mptcp.family
    mptcp.paths.endpoint(CLIENT, address(family, 1, CLIENT), "subflow")
    session = mptcp.connect()
    session.wait_pairs(CLIENT, [(address(family, path, CLIENT), ADDRESS[family][SERVER])
                                for path in (0, 1)])
    session.wait_subflows(SERVER, 2)
    session.close()
    for probe in probes:
        probe.wait(pm.CLOSE_SESSION)
        assert ops(probe) == list(pm.OF_ALL)


def test_claimed_and_unclaimed_at_once(mptcp, make_cgroup):
    """The endpoints of the namespace are for the session that no program claimed."""
    family = mptcp.family
    mptcp.probe(CLIENT)
    mptcp.paths.endpoint(CLIENT, address(family, 1, CLIENT), "subflow")
    mptcp.paths.endpoint(SERVER, address(family, 1, SERVER), "signal")
    other = mptcp.peer(CLIENT, make_cgroup("other"))
    claimed = mptcp.connect()
    unclaimed = mptcp.connect(client=other, port=7200)
    local = [address(family, path, CLIENT) for path in (0, 1)]
    eventually(lambda: {(local[1], address(family, path, SERVER)) for path in (0, 1)} <=
               {sf.pair for sf in unclaimed.subflows(CLIENT)}, "the kernel's subflows")
    claimed.exchange()
    assert [sf.pair for sf in claimed.subflows(CLIENT)] == [(local[0], ADDRESS[family][SERVER])]
    for session in (claimed, unclaimed):
        session.download(100_000)
        session.close()


def test_two_path_managers_in_one_namespace(mptcp, make_cgroup):
    cgroup = make_cgroup("other")
    mptcp.attach(CLIENT, "ndiffports", subflows=3)
    mptcp.attach(CLIENT, "delay", cgroup=cgroup, bytes=50_000, after=0, subflows=1)
    one = mptcp.connect()
    two = mptcp.connect(client=mptcp.peer(CLIENT, cgroup), port=7200)
    one.wait_subflows(CLIENT, 3)
    two.exchange()
    assert len(two.subflows(CLIENT)) == 1
    two.download(100_000)
    two.wait_subflows(CLIENT, 2)
    assert len(one.subflows(CLIENT)) == 3
    for session in (one, two):
        session.download(100_000)
        session.close()


def test_child_cgroup_comes_before_its_parent(mptcp, make_cgroup):
    child = make_cgroup("child", mptcp.cgroups[CLIENT])
    inner = mptcp.probe(CLIENT, cgroup=child)
    outer = mptcp.probe(CLIENT, "pmprobe2")
    session = mptcp.connect(client=mptcp.peer(CLIENT, child))
    assert inner.wait(pm.NEW_SESSION).claimed == 0
    assert outer.wait(pm.NEW_SESSION).claimed == -errno.EBUSY
    inner.wait(pm.MANAGES)
    assert inner.now(pm.OPEN) == 0
    inner.wait(pm.SYNACK_RCV)
    session.close()
    outer.wait(pm.CLOSE_SESSION)
    assert ops(outer) == list(pm.OF_ALL)


def test_first_of_two_in_a_cgroup(mptcp):
    probes = [mptcp.probe(CLIENT, name) for name in ("pmprobe", "pmprobe2")]
    session = mptcp.connect()
    claims = [probe.wait(pm.NEW_SESSION).claimed for probe in probes]
    assert sorted(claims) == [-errno.EBUSY, 0]
    owner, other = probes if claims[0] == 0 else probes[::-1]
    # The one that does not have it can do nothing with it, either.
    late = other.order(pm.CLOSE_SESSION, pm.OPEN)
    assert owner.now(pm.OPEN) == 0
    session.wait_subflows(CLIENT, 2)
    session.close()
    assert other.result(late) < 0
    assert ops(other) == list(pm.OF_ALL)


def test_one_path_manager_is_enough(mptcp4, make_cgroup):
    """Others can choose none, nor open, nor be woken for what is not theirs."""
    child = make_cgroup("child", mptcp4.cgroups[CLIENT])
    mptcp4.probe(CLIENT, cgroup=child)
    outer = mptcp4.probe(CLIENT, "pmprobe2", **UNCLAIMED)
    orders = [outer.order(op, action) for op, action in (
        (pm.NEW_SESSION, pm.CLAIM), (pm.NEW_SESSION, pm.DO_WAKE), (pm.FULLY_ESTABLISHED, pm.OPEN))]
    mptcp4.connect(client=mptcp4.peer(CLIENT, child))
    assert [outer.result(order) for order in orders] == [-errno.EBUSY] * 3


def test_opening_claims_nothing(mptcp4):
    """Listing 7.1 opens a subflow; the in-kernel path manager opens its own."""
    probe = mptcp4.probe(CLIENT, **UNCLAIMED)
    mptcp4.paths.endpoint(CLIENT, SECOND[4][CLIENT], "subflow")
    order = probe.order(pm.FULLY_ESTABLISHED, pm.OPEN)
    session = mptcp4.connect()
    assert probe.result(order) == 0
    session.wait_pairs(CLIENT, [(address(4, path, CLIENT), ADDRESS[4][SERVER])
                                for path in (0, 0, 1)])
    assert ops(probe) == [pm.NEW_SESSION, pm.FULLY_ESTABLISHED]


def test_too_late_to_claim(mptcp4):
    """The in-kernel path manager is at work once the session is established."""
    probe = mptcp4.probe(CLIENT, **UNCLAIMED, other_op=pm.ACTIVE_ESTABLISHED)
    mptcp4.paths.endpoint(CLIENT, SECOND[4][CLIENT], "subflow")
    session = mptcp4.connect(exchange=False)
    # Of the subflow that the kernel opens.
    later = probe.order(pm.ACTIVE_ESTABLISHED, pm.CLAIM)
    session.exchange()
    session.wait_subflows(CLIENT, 2)
    assert probe.result(later) == -errno.EACCES


def test_claims_that_make_no_sense(mptcp4):
    probe = mptcp4.probe(CLIENT, **UNCLAIMED, other_op=pm.ACTIVE_ESTABLISHED)
    bad = {probe.order(pm.NEW_SESSION, pm.CLAIM, src=name): error for name, error in (
        (b"nobody\0", errno.ENOENT), (b"\0", errno.ENOENT), (b"x", errno.EINVAL),
        (b"x" * 16 + b"\0", errno.EINVAL))}
    closed = probe.order(pm.CLOSE_SESSION, pm.CLAIM)
    mptcp4.connect().close()
    for order, error in bad.items():
        assert probe.result(order) == -error
    assert probe.result(closed) == -errno.ENOTCONN
    plain = [probe.order(pm.ACTIVE_ESTABLISHED, action) for action in (
        pm.CLAIM, pm.OPEN, pm.DO_WAKE)]
    mptcp4.connect(port=7300, mptcp=False, server_mptcp=False)
    assert [probe.result(order) for order in plain] == [-errno.EOPNOTSUPP] * 3


def test_killed_daemon_leaves_the_program_at_work(mptcp4):
    mptcp4.attach(CLIENT, "ndiffports", subflows=2)
    mptcp4.loader.stop(signal.SIGKILL)
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 2)
    mptcp4.loader.start()
    mptcp4.set(CLIENT, "ndiffports", subflows=3)
    session.wait_subflows(CLIENT, 3)


def test_highest_limit_of_the_kernel_bounds_nothing(mptcp4):
    """Lower ones bound claimed sessions as well, see test_pm_faults.py."""
    mptcp4.attach(CLIENT, "ndiffports", subflows=11)
    mptcp4.probe(SERVER)
    mptcp4.connect().wait_subflows(SERVER, 11)


def test_checked_counters_and_wire_of_a_claimed_session(mptcp):
    """Further subflows are as those of the other path managers."""
    before = counter(CLIENT, "MPJoinSynTx"), counter(SERVER, "MPJoinAckRx")
    mptcp.paths.wire.begin()
    probe = mptcp.probe(CLIENT)
    session = mptcp.connect()
    assert probe.now(pm.OPEN) == 0
    session.wait_subflows(SERVER, 2)
    joins = mptcp.paths.wire.with_option(MP_JOIN)
    assert [p.source for p in joins[:3]] == [CLIENT, SERVER, CLIENT]
    assert int(joins[0].field("recvtok")[0]) == probe.wait(
        pm.FULLY_ESTABLISHED).rem_token
    assert counter(CLIENT, "MPJoinSynTx") == before[0] + 1
    assert counter(SERVER, "MPJoinAckRx") == before[1] + 1


@pytest.mark.parametrize("name,loaded", [("test-progs/mpopt", True),
                                         ("tracing-progs/anywhere", False)])
def test_only_iterators_wake_all(name, loaded, tmp_path):
    """Other tracing programs may hold the locks that it takes."""
    at = f"/sys/fs/bpf/{tmp_path.name}"
    found = subprocess.run(["bpftool", "prog", "loadall", BUILD / f"{name}.bpf.o", at],
                           capture_output=True, text=True, check=False)
    subprocess.run(["rm", "-rf", at], check=True)
    assert (found.returncode == 0) == loaded, found.stderr
    assert loaded or "bpf_mptcp_wake_all is not allowed" in found.stderr, found.stderr
