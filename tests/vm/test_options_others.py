# SPDX-License-Identifier: GPL-2.0-or-later
"""What one program may do to another one on the same socket."""
import errno
import struct

import pytest

from bpfmap import Map
from conftest import BUILD
from libbpf import Object
from net import CLIENT, eventually
from pair import sent

CLOSE = 7  # BPF_TCP_CLOSE
WATCHED, SET, STORED, STATE, GO = range(5)  # of struct others


@pytest.fixture
def others():
    one = Object(BUILD / "tracing-progs/others.bpf.o")
    assert one.load()
    data = Map(None, 4, 20, one.map_fd(".bss"))
    one.seen = lambda: struct.unpack("=3i2I", data.get(0))
    one.go = lambda to=1: data.set(0, struct.pack("=3i2I", *one.seen()[:GO], to))
    yield one
    one.close()


def test_arguments_are_not_there_to_be_written(pair4, others):
    """A callback of upstream's shows every program the same; replies are for WRITE."""
    for name in ("spoils", "told"):
        others.attach(name, pair4.cgroups[CLIENT])
    pair4.connect().upload(100)
    pair4.finish()
    eventually(lambda: others.seen()[STATE] == CLOSE, "the last state")


def test_an_experiment_of_a_program_that_is_gone(pair4, others):
    """Who comes next owns what it has set, by the name that this has."""
    for name in ("watches", "sets", "stores"):
        others.attach(name, pair4.cgroups[CLIENT])
    pair4.connect().upload(100)
    assert others.seen()[WATCHED] == 0
    others.detach("watches")
    others.go()
    pair4.upload(100)
    eventually(lambda: others.seen()[GO] == 2, "an RTT sample")
    pair4.upload(100)
    data = sent(pair4.finish(), CLIENT, payload=True)
    assert others.seen()[SET] == 0 and others.seen()[STORED] == -errno.EEXIST
    assert all(len(s.option(254)) <= 1 for s in data) and data[-1].option(254) == [b"\x124"]
