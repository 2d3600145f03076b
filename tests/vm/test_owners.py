# SPDX-License-Identifier: GPL-2.0-or-later
"""Who has options on a socket, and what becomes of them: attachments, not programs."""
import pathlib
import struct

import pytest

from bpfmap import Map
from conftest import BUILD
from libbpf import Object
from net import CLIENT, SERVER, eventually
from pair import sent
from test_options import (AT_PARSE, CONNECT, ESTABLISHED, KIND, LISTEN, ON_ALL, ON_DATA, WRITE,
                          head, template, value, watch)

OWNERS = BUILD / "tracing-progs/owners.bpf.o"
PARSED, SLOT, SLOTS, SET, BEFORE, AFTER, OTHER = range(7)
EINVAL, WRITE_FLAG = 22, 1 << 16
TRACING = pathlib.Path("/sys/kernel/tracing")


@pytest.fixture
def owners():
    one = Object(OWNERS)
    assert one.load()
    one.results = Map.__new__(Map)
    one.results.fd, one.results.key_size, one.results.value_size = one.map_fd("results"), 4, 8
    one.result = lambda key: struct.unpack("=q", one.results.get(key))[0]
    yield one
    one.close()


def test_an_upgraded_program_keeps_its_options(pair4, owners):
    """By a link's update: sent and watched as before, and the new program is told."""
    pair4.attach(SERVER, "calls", head=head(253, 0xbe, 0xef), set_at=LISTEN, set_length=4,
                 set_where=ON_DATA)
    owners.attach("before", pair4.cgroups[CLIENT])
    pair4.connect().upload(100)
    assert owners.update("before", owners, "after") == 0
    pair4.upload(100)
    pair4.download(100)
    data = sent(pair4.finish(), CLIENT, payload=True)
    assert all(s.option(253) == [bytes.fromhex("beef0102")] for s in data)
    assert owners.result(PARSED) >= 1


def test_places_of_programs_that_are_gone(pair4, owners):
    """Twelve on one connection, one after the other."""
    owners.attach("slot", pair4.cgroups[CLIENT])
    pair4.connect()
    for number in range(12):
        owners.results.set(SLOTS, struct.pack("=q", number))
        owners.results.set(SLOT, struct.pack("=q", 1))
        pair4.upload(100)
        eventually(lambda: owners.result(SLOT) != 1, "an RTT sample")
        assert owners.result(SLOT) == 0, number
        owners.detach("slot")
        owners.attach("slot", pair4.cgroups[CLIENT])
    pair4.finish()


def test_flags_that_cannot_be_set(pair4, owners):
    """Nothing is set; and what a program reads is its own."""
    owners.attach("flags", pair4.cgroups[CLIENT])
    owners.attach("other", pair4.cgroups[CLIENT])
    pair4.connect().finish()
    assert owners.result(SET) == -EINVAL
    assert owners.result(BEFORE) == owners.result(AFTER) == 0
    assert owners.result(OTHER) & WRITE_FLAG == 0


def test_a_program_that_is_gone_costs_nothing(pair4):
    """Its flags end, too: segments are not sized for it any more."""
    pair4.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, store_size=4)
    pair4.attach(CLIENT, "bystander")
    pair4.connect().upload(100)
    pair4.detach(CLIENT, "calls")
    pair4.upload(100)  # notices it
    (TRACING / "kprobe_events").write_text("p:sized __bpf_tcp_options_size\n")
    enable = TRACING / "events/kprobes/sized/enable"
    try:
        enable.write_text("1")
        pair4.upload(100)
        pair4.finish()
        hits = [line.split()[1] for line in
                (TRACING / "kprobe_profile").read_text().splitlines() if "sized" in line]
    finally:
        enable.write_text("0")
        (TRACING / "kprobe_events").write_text("\n")  # opened so, it is empty
    assert hits == ["0"]


def test_released(pair4):
    """It is called once, then it has given the option back."""
    pair4.attach(CLIENT, "calls", **template(8, ON_ALL))
    pair4.attach(SERVER, "calls", **watch(), release_at=AT_PARSE)
    pair4.connect().upload(5000)
    pair4.upload(5000)
    pair4.finish()
    stats = pair4.stats(SERVER, "calls")
    # The listener's stays: it is called for the SYN, and once for the child.
    assert 1 <= stats["parsed"] <= 2 and stats["released"] >= 1
    assert pair4.counter(SERVER, "Parsed") == stats["parsed"]


def test_copies_of_an_option_are_counted(pair4):
    pair4.attach(SERVER, "calls", **watch())
    raw = pair4.connect_raw(syn=bytes([KIND, 2]) * 18)
    raw.data(options=bytes([KIND, 2]) * 20)
    stats = pair4.stats(SERVER, "calls")
    assert stats["parsed"] == 2
    assert stats["parsed_again"] == 17 + 19


def test_copies_under_syn_cookies(pair4):
    pair4.hosts.sysctl(SERVER, "net.ipv4.tcp_syncookies", 2)
    pair4.attach(SERVER, "calls", **watch())
    pair4.connect_raw(syn=bytes([KIND, 2]) * 18)
    assert pair4.stats(SERVER, "calls")["parsed"] == 1


@pytest.mark.parametrize("first", [0xbeef0001, 0xbeef0002])
def test_a_template_is_of_the_experiment_that_is_watched(pair4, first):
    """32 bits of it: those of another one that shares the first 16 are refused."""
    word = head(253, 0xbe, 0xef)
    pair4.attach(CLIENT, "calls", head=word, watch_at=CONNECT, watch_kind=253, watch_exid=first,
                 set_at=ESTABLISHED, set_length=8, set_where=ON_DATA)
    pair4.connect().upload(100)
    data = sent(pair4.finish(), CLIENT, payload=True)
    stats = pair4.stats(CLIENT, "calls")
    assert stats["watched"] and stats["set_errno"] == EINVAL  # its bytes go on with 4, 5
    assert not any(s.option(253) for s in data)
