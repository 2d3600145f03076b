# SPDX-License-Identifier: GPL-2.0-or-later
"""Every function of the series that takes memory, with every kind of pointer.

What the verifier accepts must not be able to harm the kernel: first what it
accepts, then all of that at once, in every callback, with every length, on
memory that changes meanwhile.
"""
import mmap
import random
import struct
import threading

import pytest

from bpfmap import Map
from conftest import BUILD
from libbpf import Object
from net import CLIENT, SERVER

ARGS = BUILD / "tracing-progs/args.bpf.o"
READ = ("SET", "STORE", "SEND", "OPEN")  # their memory is const
WRITE = ("LOAD", "MPLOAD", "SUBFLOW")
KINDS = ("STACK", "VALUE", "UNTESTED", "NOTHING", "CONSTANT", "PACKET", "RING", "CONTEXT",
         "SOCKET", "KERNEL")
WRITABLE = {"STACK", "VALUE", "RING"}
READABLE = WRITABLE | {"CONSTANT", "PACKET"}
SEED = 11


def accepted(function, kind):
    if function == "OPEN" and kind in ("NOTHING", "UNTESTED"):
        return True  # as the papers' listings pass it; refused when it runs
    return kind in (READABLE if function in READ else WRITABLE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", READ + WRITE)
def test_what_is_accepted(function, kind):
    name = f"{function}_{kind}"
    one = Object(ARGS, [name])
    try:
        assert one.load() == accepted(function, kind)
    finally:
        one.close()


class Flipper:
    """Writes other bytes to a map again and again, as user space may at any time."""

    def __init__(self, fd, choices):
        self.memory = mmap.mmap(fd, mmap.PAGESIZE)
        self.choices, self.done = choices, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.done.is_set():
            for choice in self.choices:
                self.memory[:len(choice)] = choice

    def stop(self):
        self.done.set()
        self.thread.join()
        self.memory.close()


class Control:
    def __init__(self, one):
        self.map = Map.__new__(Map)
        self.map.fd, self.map.key_size, self.map.value_size = one.map_fd("control"), 4, 12

    def set(self, length, where, kind):
        self.map.set(0, struct.pack("=III", length, where, kind))


def talk(pair, mptcp):
    pair.connect(mptcp=mptcp).upload(3000)
    pair.download(3000)
    segments = pair.finish()
    pair.server.close(pair.listener)
    return segments


@pytest.mark.parametrize("mptcp", [False, True], ids=["tcp", "mptcp"])
def test_all_that_is_accepted_is_harmless(pair, mptcp):
    """Whole options of the stack's kinds, or cut ones, never reach the wire."""
    good = [f"{function}_{kind}" for function in READ + WRITE for kind in KINDS
            if accepted(function, kind)]
    chance = random.Random(SEED)
    one = Object(ARGS, good)
    assert one.load()
    control = Control(one)
    control.set(4, 31, 253)
    flipper = Flipper(one.map_fd("values"), [
        bytes.fromhex("fd04beef"), bytes.fromhex("1e04beef"), bytes.fromhex("fd28beef"),
        bytes.fromhex("0804beef"), bytes.fromhex("f0beef01"), bytes(48),
        bytes.fromhex("020000070a090002") + bytes(8)])
    try:
        for name in good:
            for end in (CLIENT, SERVER):
                one.attach(name, pair.cgroups[end])
                one.links[f"{name} {end}"] = one.links.pop(name)
        for length in (0, 1, 2, 3, 4, *chance.sample(range(5, 49), 5)):
            control.set(length, chance.choice([1, 8, 16, 31, 16 | 256, 0xffff, 1 << 31]),
                        chance.choice([253, 254, 102, 8, 0, 300]))
            segments = talk(pair, mptcp)
            for segment in segments:
                if not mptcp:
                    assert not segment.option(30), segment
                assert len(segment.option(8)) <= 1, segment
    finally:
        flipper.stop()
        one.close()
