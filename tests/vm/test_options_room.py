# SPDX-License-Identifier: GPL-2.0-or-later
"""How options share segments: the MSS, segmentation, each other."""
import struct

import pytest

from net import ACK, CLIENT, PSH, SERVER
from pair import MTU_FRAME, sent
from rawtcp import SACK_OK
from test_options import (ESTABLISHED, KIND, ON_ACK, ON_DATA, WRITE, carriers, head, template,
                          value)

AT_MSS = 32
LARGE = 65_536


@pytest.mark.parametrize("times", [1, 3])
def test_a_number_of_times_whatever_the_offload(pair, times):
    """A large send: segmentation does not make more of it."""
    pair.attach(CLIENT, "calls", **template(4, ON_DATA, ESTABLISHED), set_times=times)
    pair.connect().upload(LARGE)
    pair.upload(LARGE)
    segments = pair.finish()
    with_it = carriers(segments, CLIENT)
    assert len(with_it) == times and all(s.frame <= MTU_FRAME for s in with_it)
    assert pair.counter(CLIENT, "Sent") == times
    assert max(s.frame for s in segments) > 2 * MTU_FRAME, "offload works again"


def test_sent_counts_segments(pair):
    pair.attach(CLIENT, "calls", **template(4, ON_DATA, ESTABLISHED))
    pair.connect().upload(10 * LARGE)
    segments = pair.finish()
    data = sent(segments, CLIENT, payload=True)
    header = 14 + (20 if pair.family == 4 else 40) + 20 + 12 + 4
    size = MTU_FRAME - header
    number = sum(-(-s.payload // size) for s in data) + 1  # and the FIN
    assert number - 1 <= pair.counter(CLIENT, "Sent") <= number


def test_a_program_that_gives_none_with_data_is_not_asked_for_the_mss(pair4):
    pair4.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, store_size=4,
                 acks_only=1)
    pair4.connect()
    for _ in range(20):
        pair4.upload(100)
    pair4.finish()
    assert pair4.stats(CLIENT, "calls")["sized_mss"] <= 3


@pytest.mark.parametrize("size", [3000, 20_000])
def test_a_template_that_comes_with_the_mss_is_in_it(pair, size):
    """Set while the MSS is computed, it rides on the first segment of that send."""
    pair.hosts.offloads(False)
    pair.attach(CLIENT, "calls", **template(12, ON_DATA, AT_MSS), set_times=1,
                flags_at=ESTABLISHED, flags=WRITE)
    pair.connect().upload(size)
    data = sent(pair.finish(), CLIENT, payload=True)
    assert data[0].option(KIND) == [value(12)]
    assert data[0].frame == MTU_FRAME


def test_an_option_that_comes_with_the_first_of_many(pair):
    """The MSS has room for it at each request, though the segments before had none."""
    size = 20_000
    pair.hosts.offloads(False)
    pair.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, store_size=28,
                every=size)
    pair.connect()
    for _ in range(4):
        pair.upload(size)
    data = sent(pair.finish(), CLIENT, payload=True)
    assert carriers(data, CLIENT) == [data[n * len(data) // 4] for n in range(4)]
    assert pair.counter(CLIENT, "NoRoom") == 0


def test_two_that_do_not_fit_take_turns(pair):
    """Of 28 bytes each has 20; the MSS leaves room for one, and each gets it as often."""
    pair.hosts.offloads(False)
    pair.attach(CLIENT, "calls", **template(20, ON_DATA, ESTABLISHED))
    pair.attach(CLIENT, "calls2", head=head(KIND + 1), set_at=ESTABLISHED, set_length=20,
                set_where=ON_DATA)
    pair.connect().upload(200_000)
    data = sent(pair.finish(), CLIENT, payload=True)
    first, second = ([s for s in data if s.option(kind)] for kind in (KIND, KIND + 1))
    assert len(first) + len(second) == len(data)
    assert abs(len(first) - len(second)) <= 2
    assert max(s.frame for s in data) == MTU_FRAME


def test_one_that_never_fits_leaves_the_others_alone(pair4):
    pair4.attach(CLIENT, "calls", **template(36, ON_ACK | ON_DATA, ESTABLISHED))
    pair4.attach(CLIENT, "calls2", head=head(KIND + 1), set_at=ESTABLISHED, set_length=20,
                 set_where=ON_DATA)
    pair4.hosts.offloads(False)
    pair4.connect().upload(50_000)
    data = sent(pair4.finish(), CLIENT, payload=True)
    assert all(s.option(KIND + 1) and not s.option(KIND) for s in data)
    assert max(s.frame for s in data) == MTU_FRAME


@pytest.mark.parametrize("offer", [{"store_size": 8}, {"reserve": 8, "store_write": 8}],
                         ids=["store", "reply"])
def test_a_program_that_says_no_gives_nothing(pair, offer):
    """What it gave while its segment was sized is not sent, and takes no room."""
    pair.hosts.offloads(False)
    pair.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, undo=1, **offer)
    pair.connect().upload(20_000)
    segments = pair.finish()
    stats = pair.stats(CLIENT, "calls")
    assert stats["sized"] > 5 and bool(stats["stored"]) == ("store_size" in offer)
    assert not carriers(segments, CLIENT)
    data = sent(segments, CLIENT, payload=True)
    assert max(s.frame for s in data) == MTU_FRAME, "room is left"
    assert pair.counter(CLIENT, "Sent") == 0
    assert stats["written"] == 0


def test_one_that_never_fits_does_not_end_segmentation_offload(pair):
    """It waits for a segment of its own, that small ones would not help to either."""
    pair.attach(CLIENT, "calls", **template(36, ON_DATA, ESTABLISHED), set_times=1)
    pair.connect().upload(4 * LARGE)
    segments = pair.finish()
    assert not carriers(segments, CLIENT) and pair.counter(CLIENT, "Sent") == 0
    assert max(s.frame for s in segments) > 2 * MTU_FRAME


def test_one_that_did_not_fit_once_goes_out_with_the_next_send(pair4):
    """SACK blocks took its room; it is not left until a segment happens to be a small one."""
    stamps = b"\1\1\x08\x0a"
    pair4.attach(SERVER, "calls", **template(20, ON_DATA, ESTABLISHED), set_times=1)
    raw = pair4.connect_raw(syn=SACK_OK + b"\3\3\7\1" + stamps + struct.pack("!II", 1, 0))
    at = raw.options.find(stamps[2:]) + 2
    stamps += struct.pack("!I", 2) + raw.options[at:at + 4]
    raw.free(ACK | PSH, stamps, b"x" * 10, seq=raw.next + 10)
    raw.receive(lambda *_: True)
    pair4.server.start("send", pair4.inn, 100)
    raw.receive(lambda _, __, size: size)
    assert bytes([KIND, 20]) not in raw.options, "no room"
    pair4.server.wait()
    raw.free(ACK | PSH, stamps, b"x" * 10, seq=raw.next)
    raw.next += 20
    raw.receive(lambda _, ack, __: ack == raw.next)
    pair4.server.start("send", pair4.inn, 20 * LARGE)
    end, number = raw.acked + 20 * LARGE, 0
    while bytes([KIND, 20]) not in raw.options:
        raw.free(ACK, stamps, ack=raw.acked)
        raw.receive(lambda _, __, size: size)
        number += 1
    while raw.acked < end:
        raw.free(ACK, stamps, ack=raw.acked)
        raw.receive(lambda _, __, size: size)
    pair4.server.wait()
    assert number <= 2
