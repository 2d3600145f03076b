# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that do what they should not: nothing hangs, grows, or is reached that is not
theirs. What path managers may do wrong is in test_pm_ops.py."""
import contextlib
import errno
import os
import pathlib
import re
import subprocess
import time

import pytest

import mpopt
import probe as pm
from bpfmap import Map, trace
from conftest import BUILD
from mptcp import PORT, Session, counter
from net import ADDRESS, CLIENT, SERVER, PeerError, eventually, run
from paths import address

SESSIONS = 8
HELD = 10  # times a second that something is opened after failures, see MPTCP_BPF_HOLD
ASKED = 31  # of so many
FLAP = "10.9.1.99"


def fault(mptcp, name=CLIENT, **params):
    mptcp.attach(name, "pmfault", **params)
    return lambda: mptcp.stats(name, "pmfault")


def closed(mptcp, session):
    """The application's close() returns, at both ends."""
    for peer, sid in ((session.client, session.out), (session.server, session.inn)):
        peer.close(sid)
    eventually(lambda: not run("ip", "netns", "exec", CLIENT, "ss", "-tnH", "state", "established"),
               "no subflow is left")


def flapped(mptcp, tmp_path, times, name=CLIENT):
    """An address that comes and goes so often, and is gone in the end."""
    batch = tmp_path / "batch"
    batch.write_text("".join(f"address {what} {FLAP}/32 dev eth1\n"
                             for _ in range(times) for what in ("add", "del")), encoding="ascii")
    run("ip", "-n", name, "-batch", str(batch))


def slab(name):
    for line in pathlib.Path("/proc/slabinfo").read_text(encoding="ascii").splitlines():
        if line.split()[0] == name:
            return int(line.split()[1])
    raise KeyError(name)


def unaccepted(mptcp, count=SESSIONS):
    """Sessions in the accept queue, fully established at both ends."""
    client = mptcp.hosts.peers[CLIENT]
    accepts = []
    for _ in range(count):
        out, accept = mptcp.connect_unaccepted()
        client.send(out, 100)
        accepts.append(accept)
    return accepts


TIMERS, QUEUED, FREED = range(3)


@contextlib.contextmanager
def slow(tmp_path, *programs):
    """These of tracing/slow.bpf.c are attached; yields a function for its counts."""
    at = pathlib.Path("/sys/fs/bpf") / tmp_path.name
    at.mkdir()
    links = []
    try:
        run("bpftool", "prog", "loadall", str(BUILD / "tracing-progs/slow.bpf.o"), str(at),
            "pinmaps", str(at))
        counts = Map(at / "counts", 4, 8)
        links += [trace(at / program) for program in programs]
        yield lambda which: int.from_bytes(counts.get(which), "little")
        counts.close()
    finally:
        for link in links:
            os.close(link)
        run("rm", "-rf", str(at))


def test_without_a_subflow_no_helper_sees_a_socket(mptcp4, tmp_path):
    """The listener is closed on one CPU as a connection gets into its queue on another."""
    stats = fault(mptcp4, SERVER, helpers=1)
    client, server = (mptcp4.hosts.peers[name] for name in (CLIENT, SERVER))
    with slow(tmp_path, "slow_queue") as count:
        for number in range(1, 6):
            mptcp4.listen()
            client.start("connect", ADDRESS[4][SERVER], PORT, mptcp=True)
            eventually(lambda number=number: count(QUEUED) >= number, "a connection")
            server.close(mptcp4.listeners.pop(PORT))
            with contextlib.suppress(PeerError):  # it may be reset as it connects
                client.close(client.wait())
    found = eventually(lambda: (s := stats())["closed"] == s["sessions"] and s, "told of the end")
    assert found["without"] > 0, found
    assert found["reached"] == 0, found
    assert found["other"] == 0, found


def test_opening_whatever_fails(mptcp4):
    """Again and again, but not in a loop that keeps the session locked."""
    stats = fault(mptcp4, again=1, reopen=1)
    session = mptcp4.connect()
    eventually(lambda: stats()["asked"] >= 3 * ASKED, "it asks for more")
    before, start = counter(CLIENT, "MPJoinSynTxBindErr"), time.monotonic()
    eventually(lambda: counter(CLIENT, "MPJoinSynTxBindErr") > before + ASKED, "they fail")
    tried, took = counter(CLIENT, "MPJoinSynTxBindErr") - before, time.monotonic() - start
    assert tried <= (took * HELD + 2) * ASKED, f"{tried} in {took} s"
    session.exchange()
    closed(mptcp4, session)
    eventually(lambda: stats()["closed"] == 1, "closed")


@pytest.mark.parametrize("how, counted, more", [("again", "woken", 100), ("resend", "ended", 20)],
                         ids=["wake", "option"])
def test_a_callback_that_causes_itself(mptcp4, how, counted, more):
    """Once in a jiffy, of which there are a thousand in a second at most."""
    stats = fault(mptcp4, **{how: 1})
    session = mptcp4.connect()
    eventually(lambda: stats()[counted] >= 10, counted)
    before, start = stats()[counted], time.monotonic()
    eventually(lambda: stats()[counted] >= before + more, "and again")
    told, took = stats()[counted] - before, time.monotonic() - start
    assert told <= took * 1000 + 20, f"{told} in {took} s"
    session.exchange()
    closed(mptcp4, session)


def test_address_events_cost_no_memory(mptcp4, tmp_path):
    """Neither in the accept queue nor when the session is over and its socket is not closed.

    Accepted, a session is told how things are, not how often they changed.
    """
    server = mptcp4.probe(SERVER)

    def told():
        return len(server.events(pm.LADDR_UP, pm.LADDR_DOWN))
    accepts = unaccepted(mptcp4)
    flapped(mptcp4, tmp_path, 10, SERVER)
    before = slab("kmalloc-96") + slab("kmalloc-128")
    flapped(mptcp4, tmp_path, 500, SERVER)
    grown = slab("kmalloc-96") + slab("kmalloc-128") - before
    assert grown < 1000, f"{grown} objects for {SESSIONS} sessions and 1000 events"
    assert told() == 0
    sessions = [accept() for accept in accepts]
    eventually(lambda: told() >= SESSIONS, "told")
    assert told() <= 2 * SESSIONS
    for session in sessions:
        session.client.setopt(session.out, 1, 13, "0100000000000000")  # SO_LINGER: abort
        session.client.close(session.out)
        session.server.wait_error(session.inn, 20)
    last = told()
    flapped(mptcp4, tmp_path, 500, SERVER)
    grown = slab("kmalloc-96") + slab("kmalloc-128") - before
    assert grown < 1000, f"{grown} objects for {SESSIONS} sessions that are over"
    assert told() == last


def test_more_addresses_than_are_kept(mptcp4, tmp_path):
    """The session hears that it missed some, then of the latest ones."""
    server = mptcp4.probe(SERVER)
    accept = unaccepted(mptcp4, 1)[0]
    batch = tmp_path / "batch"
    for what in ("add", "del"):
        batch.write_text("".join(f"address {what} 10.9.7.{n}/32 dev eth1\n"
                                 for n in range(1, 101)), encoding="ascii")
        run("ip", "-n", SERVER, "-batch", str(batch))
    accept()
    last = ipaddress("10.9.7.100")
    eventually(lambda: any(e.subflow.local.address == last
                           for e in server.events(pm.LADDR_DOWN)), "the latest")
    missed = server.events(pm.LADDR_UP)
    assert [e.args[:2] for e in missed] == [[0, 0]] and missed[0].subflow.local.family == 0
    gone = [str(e.subflow.local.address) for e in server.events(pm.LADDR_DOWN)]
    assert gone == [f"10.9.7.{n}" for n in range(37, 101)]


def ipaddress(text):
    return pm.Addr(text).address


def test_attached_to_a_cgroup_and_to_its_parent(mptcp4, make_cgroup, tmp_path):
    """The same program is told once."""
    child = make_cgroup("child", mptcp4.cgroups[CLIENT])
    at = pathlib.Path("/sys/fs/bpf") / tmp_path.name
    at.mkdir()
    try:
        run("bpftool", "prog", "loadall", str(BUILD / "test-progs/mpopt.bpf.o"), str(at),
            "pinmaps", str(at))
        for cgroup in (mptcp4.cgroups[CLIENT], child):
            run("bpftool", "cgroup", "attach", str(cgroup), "sock_ops", "pinned",
                str(at / "mpopt"), "multi")
        events = Map(at / "events", 0, mpopt.EVENT.size)
        session = mptcp4.connect(client=mptcp4.peer(CLIENT, child))
        session.close()
        told = []

        def ended():
            while (data := events.pop()) is not None:
                told.append(mpopt.Event(data).op)
            return pm.CLOSE_SESSION in told
        eventually(ended, "CLOSE_SESSION")
        eventually(lambda: not ended() or True, "all of them")
        for op in pm.OF_ALL:
            assert told.count(op) == 1, told
    finally:
        for cgroup in (mptcp4.cgroups[CLIENT], child):
            run("bpftool", "cgroup", "detach", str(cgroup), "sock_ops", "pinned",
                str(at / "mpopt"), check=False)
        run("rm", "-rf", str(at))


def test_told_when_the_session_ends_and_nothing_after(mptcp4):
    """The application keeps its socket: by MP_FASTCLOSE of the peer, and in order."""
    stats, server = fault(mptcp4, SERVER, watch=1), mptcp4.probe(SERVER)
    sessions = [mptcp4.connect() for _ in range(4)]
    for session in sessions[:2]:
        session.client.setopt(session.out, 1, 13, "0100000000000000")
        session.client.close(session.out)
        session.server.wait_error(session.inn, 20)
    eventually(lambda: stats()["closed"] == 2, "told of the aborted ones")
    for session in sessions[2:]:
        session.client.shutdown(session.out)
        session.server.shutdown(session.inn)
    eventually(lambda: stats()["closed"] == 4, "told of the others")
    mptcp4.paths.add_address(SERVER, FLAP, 1)
    mptcp4.paths.del_address(SERVER, FLAP, 1)
    for session in sessions:
        session.server.close(session.inn)
    found = stats()
    assert (found["closed"], found["late"]) == (4, 0), found
    assert not server.events(pm.LADDR_UP, pm.LADDR_DOWN)


def test_told_when_the_idle_timeout_is_over(mptcp4):
    client = mptcp4.probe(CLIENT)
    session = mptcp4.connect()
    assert client.now(pm.IDLE, a=500) == 0
    session.kill(SERVER, session.subflows(SERVER)[0])
    assert client.wait(pm.CLOSE_SESSION).args[1] == pm.ABORT
    assert session.client.wait_error(session.out, 20)[0] == errno.ETIMEDOUT
    session.client.close(session.out)
    assert len(client.events(pm.CLOSE_SESSION)) == 1


def test_an_administrators_bound_stays_one(mptcp4):
    """Of claimed sessions, too, and for both who opens and who accepts."""
    client, server = mptcp4.probe(CLIENT), mptcp4.probe(SERVER)
    mptcp4.paths.limits(SERVER, subflows=2)
    session = mptcp4.connect()
    orders = [client.order(pm.TIMER, pm.OPEN) for _ in range(4)]
    client.wake()
    assert [client.result(order) for order in orders] == [0] * 4
    client.wait(pm.SUB_CLOSED, 2)
    session.wait_subflows(CLIENT, 3)
    assert len(server.events(pm.ADD_SOCK)) == 2
    assert server.now(pm.OPEN) == -errno.ENOSPC


def test_choosing_a_scheduler_claims_nothing(mptcp4):
    """The in-kernel path manager goes on."""
    mptcp4.join()
    probe = mptcp4.probe(CLIENT, claim_at=0)
    probe.order(pm.NEW_SESSION, pm.DO_WAKE)
    order = probe.order(pm.WAKE, pm.SCHEDULER, src=b"roundrobin\0")
    session = mptcp4.connect()
    assert probe.result(order) == 0
    session.wait_pairs(CLIENT, [(address(4, path, CLIENT), ADDRESS[4][SERVER])
                                for path in (0, 1)])


def test_scheduler_ends_with_the_session(mptcp4):
    """A socket that is connected again begins with that of its network namespace."""
    probe = mptcp4.probe(CLIENT)
    stats = fault(mptcp4, watch=1)
    first = mptcp4.connect()
    assert probe.now(pm.SCHEDULER, src=b"roundrobin\0") == 0
    mptcp4.hosts.peers[SERVER].start("accept", mptcp4.listen())
    first.client.reconnect(first.out, ADDRESS[4][SERVER], PORT)
    second = Session(first.client, first.server, first.out, first.server.wait(), PORT)
    second.exchange()
    assert stats()["sessions"] == 2
    assert stats()["schedulers"] == 1 << ord("d") - ord("a"), "default, both times"


def test_open_from_an_address_that_was_announced_with_a_port(mptcp4):
    client = mptcp4.probe(CLIENT)
    mptcp4.probe(SERVER)
    session = mptcp4.connect()
    here = pm.Addr(address(4, 1, CLIENT), port=7777, number=42)
    assert client.now(pm.SIGNAL, a=pm.ADDR.size, subflow=pm.Subflow(local=here)) == 42
    wanted = pm.Subflow(local=pm.Addr(address(4, 1, CLIENT), number=42))
    assert client.now(pm.OPEN_SUBFLOW, a=pm.SUBFLOW.size, subflow=wanted) == 0
    assert client.wait(pm.SYNACK_RCV).subflow.local.id == 42
    session.exchange()


@pytest.mark.parametrize("call", ["claim", "set_scheduler", "load_subflow", "option_send",
                                  "option_load"])
def test_memory_that_may_be_none_is_refused(call, tmp_path):
    at = pathlib.Path("/sys/fs/bpf") / tmp_path.name
    done = subprocess.run(["bpftool", "prog", "loadall",
                           BUILD / f"tracing-progs/nullarg_{call}.bpf.o", at],
                          capture_output=True, text=True, check=False)
    run("rm", "-rf", str(at))
    assert done.returncode and "Possibly NULL pointer passed to trusted arg" in done.stderr, done


def test_no_sockaddr_with_a_length(mptcp4):
    """NULL may be given for a sockaddr, so this is for the call itself to refuse."""
    stats = fault(mptcp4, none=1)
    session = mptcp4.connect()
    assert stats()["refused"] == 2
    session.exchange()
    assert len(session.subflows(CLIENT)) == 1


def test_subflow_members_of_ours_share_no_word():
    """Bits beside others, which are written with other locks, would lose those."""
    found = {}
    for line in run("bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux").splitlines():
        if member := re.match(r"\s+'(bpf_(?:close|backup|joined|prio|option_lost))'", line):
            found[member[1]] = "bitfield_size" in line
    assert len(found) == 5 and not any(found.values()), found


def test_no_timer_keeps_a_session_that_is_over(mptcp4, tmp_path):
    """It is armed on one CPU while the application closes the session on another."""
    client = mptcp4.probe(CLIENT)
    server = mptcp4.probe(SERVER, claim_at=0, other_op=pm.PASSIVE_ESTABLISHED)
    with slow(tmp_path, "slow_timer", "freed") as count:
        for number in range(1, 6):
            session = mptcp4.connect()
            freed = count(FREED)
            # Of the subflow that joins.
            server.order(pm.PASSIVE_ESTABLISHED, pm.DO_WAKE, a=0xffffffff)
            session.server.setopt(session.inn, 1, 13, "0100000000000000")  # SO_LINGER: abort
            order = client.order(pm.TIMER, pm.OPEN)
            client.wake()
            eventually(lambda number=number: count(TIMERS) >= number, "a timer")
            session.server.close(session.inn)
            assert client.result(order) == 0
            session.client.close(session.out)
            eventually(lambda freed=freed: count(FREED) >= freed + 2, "both ends are freed")
