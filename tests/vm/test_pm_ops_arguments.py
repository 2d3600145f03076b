# SPDX-License-Identifier: GPL-2.0-or-later
"""Every function of path managers of struct_ops, with every kind of pointer.

What the verifier accepts must not be able to harm the kernel: first what it accepts,
then all of that, at random, from every operation, on memory that changes meanwhile.
"""
import contextlib
import struct

import pytest

import bpfmap
from conftest import BUILD
from libbpf import Object
from net import CLIENT, SERVER, PeerError, eventually, run
from paths import address
from test_arguments import Flipper

ARGS = BUILD / "tracing-progs/opsargs.bpf.o"
READABLE = {"STACK", "VALUE", "CONSTANT", "RING"}
KINDS = ("STACK", "VALUE", "UNTESTED", "NOTHING", "CONSTANT", "RING", "SESSION", "GIVEN")
STORM = ("established", "subflow_established", "subflow_closed", "subflow_priority",
         "add_addr_received", "rm_addr_received", "local_addr", "announced", "data_received",
         "timer", "claim")


def is_loaded(*programs):
    one = Object(ARGS, list(programs))
    try:
        return one.load()
    finally:
        one.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", ["OPEN", "ANNOUNCE", "SCHEDULER"])
def test_memory_that_is_accepted(function, kind):
    # What the kernel gives to read is good to be given back, if it is of that type.
    allowed = READABLE | ({"GIVEN"} if function == "OPEN" else set())
    assert is_loaded(f"{function}_{kind}") == (kind in allowed)


@pytest.mark.parametrize("pointer", ["ITSELF", "NULL", "WALKED", "CONSTANT", "MOVED"])
def test_session_that_is_accepted(pointer):
    assert is_loaded(f"CLOSE_{pointer}") == (pointer == "ITSELF")


@pytest.mark.parametrize("call", ["NONE", "OPEN", "CLOSE", "TIMER", "ANNOUNCE", "WITHDRAW",
                                  "BACKUP", "SCHEDULER", "IDLE"])
def test_nothing_is_called_in_softirq(call):
    assert is_loaded(f"SOFTIRQ_{call}") == (call == "NONE")


def test_nothing_is_called_elsewhere():
    assert not is_loaded("elsewhere")


def subflow(family, backup, port, text):
    """Bytes of a struct bpf_mptcp_subflow to such a remote address."""
    raw = bytes(int(part) for part in text.split(".")) if text else bytes(4)
    given = struct.pack("=HHB3x4s12x", family, port, 0, raw)
    return struct.pack("=IIII", 0, backup, 0, 0) + bytes(24) + given


def trouble(mptcp, port, operations):
    """A session with events of all kinds, as long as it has a subflow."""
    out, accept = mptcp.connect_unaccepted(port)
    session = accept()
    before = operations()
    with contextlib.suppress(PeerError):
        for end, sock in ((session.client, out), (session.server, session.inn)):
            end.send(sock, 20_000)
    for change in ("add", "del"):
        run("ip", "-n", CLIENT, "addr", change, "10.99.0.1/24", "dev", "eth1")
    eventually(lambda: operations() > before + 2, "operations", 60)
    with contextlib.suppress(PeerError):
        session.client.recv(out, 20_000, timeout=2)
    for end, sock in ((session.client, out), (session.server, session.inn)):
        with contextlib.suppress(PeerError):
            end.close(sock)


def test_all_that_is_accepted_is_harmless(mptcp4):
    """Sessions may lose every subflow by it; the next ones are as usual."""
    storm = Object(ARGS, list(STORM))
    assert storm.load() and storm.register() == 0
    counts = bpfmap.Map(None, 4, 16, storm.map_fd(".bss"))
    flipper = Flipper(storm.map_fd("values"), [
        subflow(0, 0, 0, ""), subflow(2, 1, 0, address(4, 1, SERVER)), subflow(2, 7, 1, ""),
        subflow(77, 0, 0, ""), subflow(10, 0, 0, "1.2.3.4"), b"roundrobin\0" + bytes(53),
        struct.pack("=HHB3x4s12x", 2, 0, 3, bytes([10, 77, 0, 1])) + bytes(40),
        b"\xff" * 64])
    try:
        for name in (CLIENT, SERVER):
            storm.attach("claim", mptcp4.cgroups[name])
            storm.links[f"claim {name}"] = storm.links.pop("claim")
        for port in range(7100, 7112):
            trouble(mptcp4, port, lambda: struct.unpack("=4I", counts.get(0))[0])
        operations, done, refused, _ = struct.unpack("=4I", counts.get(0))
        assert operations and done and refused
    finally:
        counts.set(0, struct.pack("=4I", 0, 0, 0, 1))
        flipper.stop()
        storm.close()
    session = mptcp4.connect(port=7200)
    session.download(100_000)
    session.close()
