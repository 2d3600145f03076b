# SPDX-License-Identifier: GPL-2.0-or-later
"""The calls for options of one's own: templates, one run, ownership."""
import errno
import socket

import pytest

from net import ACK, CLIENT, FIN, SERVER, SYN, eventually, run
from pair import MTU_FRAME, sent

LISTEN, CONNECT, ESTABLISHED, AT_PARSE, AT_SIZE = 1, 2, 4, 8, 16
ON_SYN, ON_SYNACK, ON_FIRST, ON_ACK, ON_DATA, UNTIL_ACKED = 1, 2, 4, 8, 16, 256
ON_ALL = 31
WRITE, PARSE = 1, 2
KIND = 0x66  # not assigned
TCP_FASTOPEN, TCP_FASTOPEN_CONNECT = 23, 30


def head(kind=KIND, third=0xca, fourth=0xfe):
    """The first bytes of an option of any length."""
    return kind << 24 | third << 8 | fourth


def value(length, third=0xca, fourth=0xfe):
    return (bytes([third, fourth]) + bytes(range(4, 40)))[:length - 2]


def template(length=4, where=ON_ALL, at=CONNECT | LISTEN, **more):
    return {"head": head(), "set_at": at, "set_length": length, "set_where": where, **more}


def watch(at=CONNECT | LISTEN, kind=KIND, **more):
    return {"head": head(), "watch_at": at, "watch_kind": kind, **more}


def carriers(segments, source, kind=KIND):
    return [s for s in segments if s.source == source and s.option(kind)]


def test_template_on_every_segment(pair):
    """No program runs for a segment, and both ends read what was sent."""
    pair.hosts.offloads(False)
    for name in (CLIENT, SERVER):
        pair.attach(name, "calls", **template(10), watch_at=CONNECT | LISTEN, watch_kind=KIND)
    pair.connect().upload(5000)
    pair.download(5000)
    segments = pair.finish()
    for segment in segments:
        assert segment.option(KIND) == [value(10)], segment
        assert len(segment.options) % 4 == 0
    for name, other in ((CLIENT, SERVER), (SERVER, CLIENT)):
        stats = pair.stats(name, "calls")
        assert stats["sized"] == stats["written"] == 0
        assert stats["parsed"] and stats["parsed_wrong"] == 0
        assert stats["parsed_bytes"] == 10 * stats["parsed"]
        assert stats["load_short_errno"] == errno.ENOSPC
        assert stats["store_elsewhere_errno"] == errno.EPERM
        assert pair.counter(name, "Sent") == len(sent(segments, name))
        assert pair.counter(other, "Parsed") == pair.stats(other, "calls")["parsed"]


@pytest.mark.parametrize("end, where, number", [
    (CLIENT, ON_SYN, lambda s: s.flags == SYN),
    (CLIENT, ON_FIRST, None),
    (CLIENT, ON_ACK, lambda s: s.flags == ACK and not s.payload),
    (CLIENT, ON_DATA, lambda s: s.payload or s.flags & FIN),
    (SERVER, ON_SYNACK, lambda s: s.flags == SYN | ACK),
], ids=["syn", "first", "ack", "data", "synack"])
def test_template_on_some_segments(pair, end, where, number):
    pair.attach(end, "calls", **template(8, where))
    pair.connect().upload(3000)
    pair.download(3000)
    segments = pair.finish()
    if where == ON_FIRST:
        from_client = sent(segments, CLIENT, without=SYN)
        answered = next(i for i, s in enumerate(segments)
                        if s.source == SERVER and not s.flags & SYN)
        expected = [s for s in segments[:answered] if s in from_client]
        assert expected and expected[0].flags == ACK, "third ACK"
    else:
        expected = [s for s in sent(segments, end) if number(s)]
    assert carriers(segments, end) == expected


@pytest.mark.parametrize("times", [1, 3])
def test_template_a_number_of_times(pair, times):
    pair.attach(CLIENT, "calls", **template(4, ON_FIRST | ON_ACK | ON_DATA), set_times=times)
    pair.connect().upload(100)
    for _ in range(3):
        pair.download(100)
    segments = pair.finish()
    assert carriers(segments, CLIENT) == sent(segments, CLIENT, without=SYN)[:times]
    assert pair.counter(CLIENT, "Sent") == times


def test_template_until_acknowledged(pair):
    """On everything up to the acknowledgement, nothing after; the MSS is whole again."""
    pair.hosts.offloads(False)
    pair.attach(CLIENT, "calls",
                **template(20, ON_FIRST | ON_ACK | ON_DATA | UNTIL_ACKED, ESTABLISHED))
    pair.connect().upload(100)
    pair.upload(200_000)
    segments = pair.finish()
    data = sent(segments, CLIENT, payload=True)
    assert data[0].option(KIND) == [value(20)]
    assert not any(s.option(KIND) for s in data[-50:])
    full = [s for s in data if s.frame == MTU_FRAME]
    assert max(s.payload for s in full) == MTU_FRAME - 14 - (40 if pair.family == 4 else 60) - 12
    assert pair.counter(CLIENT, "NoRoom") == 0


def test_template_survives_loss(pair4):
    """Sent again until a segment that carried it has arrived, and then no more."""
    pair4.hosts.netem(CLIENT, "loss", "40%")
    pair4.attach(CLIENT, "calls", **template(8, ON_DATA | UNTIL_ACKED, ESTABLISHED))
    pair4.attach(SERVER, "calls", **watch(ESTABLISHED))
    pair4.connect().upload(20_000)
    while pair4.hosts.undo:
        run(*pair4.hosts.undo.pop())
    pair4.upload(20_000)
    segments = pair4.finish()
    assert pair4.stats(SERVER, "calls")["parsed"] >= 1
    assert not sent(segments, CLIENT, FIN)[-1].option(KIND)


def test_template_is_replaced_and_cleared(pair4):
    """Each time it hears from the peer: cleared first, then nothing is left to clear."""
    pair4.attach(CLIENT, "calls", **template(8, ON_DATA), watch_at=CONNECT, watch_kind=KIND,
                 clear_at=AT_PARSE)
    pair4.attach(SERVER, "calls", **template(4, ON_DATA, LISTEN))
    pair4.connect().upload(100)
    pair4.download(100)
    pair4.upload(100)
    segments = pair4.finish()
    data = sent(segments, CLIENT, payload=True)
    assert data[0].option(KIND) and not data[-1].option(KIND)
    stats = pair4.stats(CLIENT, "calls")
    assert stats["cleared"] == stats["parsed"] and stats["clear_errno"] == 0


def test_template_waits_for_room(pair):
    """MPTCP leaves none at first: the option goes out once, later, and that is counted."""
    pair.attach(CLIENT, "calls", **template(16, ON_FIRST | ON_ACK | ON_DATA, CONNECT),
                set_times=1)
    pair.connect(mptcp=True).upload(300_000)
    pair.download(300_000)
    segments = pair.finish()
    assert len(carriers(segments, CLIENT)) == 1
    assert pair.counter(CLIENT, "Sent") == 1 and pair.counter(CLIENT, "NoRoom") > 0


@pytest.mark.parametrize("timestamps, length", [(1, 28), (0, 40)])
def test_template_fills_the_header(pair4, timestamps, length):
    for name in (CLIENT, SERVER):
        pair4.hosts.sysctl(name, "net.ipv4.tcp_timestamps", timestamps)
    pair4.attach(CLIENT, "calls", **template(length, ON_DATA))
    pair4.attach(SERVER, "calls", **watch())
    pair4.connect().upload(20_000)
    data = sent(pair4.finish(), CLIENT, payload=True)
    assert data and all(s.option(KIND) == [value(length)] for s in data)
    assert pair4.counter(CLIENT, "NoRoom") == 0
    stats = pair4.stats(SERVER, "calls")
    assert stats["parsed"] and stats["parsed_bytes"] == length * stats["parsed"]


def test_template_ends_with_its_program(pair4):
    pair4.attach(CLIENT, "calls", **template(8))
    pair4.connect().upload(100)
    pair4.detach(CLIENT, "calls")
    pair4.upload(100)
    data = sent(pair4.finish(), CLIENT, payload=True)
    assert data[0].option(KIND) and not data[-1].option(KIND)


def test_listener_gives_to_its_children_under_syn_cookies(pair):
    pair.hosts.sysctl(SERVER, "net.ipv4.tcp_syncookies", 2)
    pair.attach(SERVER, "calls", **template(6, ON_SYNACK | ON_DATA, LISTEN),
                watch_at=LISTEN, watch_kind=KIND)
    pair.attach(CLIENT, "calls", **template(6))
    pair.connect().upload(100)
    pair.download(100)
    segments = pair.finish()
    assert carriers(segments, SERVER) == [
        s for s in sent(segments, SERVER) if s.flags & (SYN | FIN) or s.payload]
    stats = pair.stats(SERVER, "calls")
    assert stats["parsed_wrong"] == 0 and stats["parsed"] == len(carriers(segments, CLIENT)) - 1


def test_fast_open(pair4):
    """Data in the SYN: the template is there, on the SYN-ACK and behind it."""
    for name in (CLIENT, SERVER):
        pair4.hosts.sysctl(name, "net.ipv4.tcp_fastopen", 0x607)
        pair4.attach(name, "calls", **template(4), watch_at=CONNECT | LISTEN, watch_kind=KIND)
    pair4.connect(server_options=[[socket.SOL_TCP, TCP_FASTOPEN, 16]],
                  client_options=[[socket.SOL_TCP, TCP_FASTOPEN_CONNECT, 1]], first=1000)
    pair4.upload(5000)
    segments = pair4.finish()
    assert segments[0].flags == SYN and segments[0].payload
    assert all(s.option(KIND) == [value(4)] for s in segments)
    for name in (CLIENT, SERVER):
        assert pair4.stats(name, "calls")["parsed_wrong"] == 0


@pytest.mark.parametrize("length", [4, 15, 28])
def test_one_run(pair, length):
    """Size and bytes in one run; the bytes are as long as they like."""
    pair.hosts.offloads(False)
    pair.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE,
                store_size=length)
    pair.attach(SERVER, "calls", **watch())
    pair.connect().upload(20_000)
    segments = pair.finish()
    after = sent(segments, CLIENT, without=SYN)
    assert after and all(s.option(KIND) == [value(length)] for s in after)
    stats = pair.stats(CLIENT, "calls")
    assert stats["sized"] > 0 and stats["written"] == 0
    assert stats["load_elsewhere_errno"] == errno.EPERM
    assert pair.counter(CLIENT, "Sent") == len(after)
    # The last ACK only ends a socket that is gone for programs.
    assert pair.stats(SERVER, "calls")["parsed_bytes"] == length * (len(after) - 1)


def test_two_options_in_one_run(pair4):
    pair4.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, store_size=6,
                 store_twice=1)
    pair4.connect().upload(100)
    after = sent(pair4.finish(), CLIENT, without=SYN)
    assert all(s.option(KIND) == [value(6)] * 2 for s in after)
    assert pair4.counter(CLIENT, "Sent") == 2 * len(after)


def test_any_length_in_the_second_run(pair4):
    pair4.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, reserve=24,
                 store_write=24)
    pair4.connect().upload(100)
    after = sent(pair4.finish(), CLIENT, without=SYN)
    assert all(s.option(KIND) == [value(24)] for s in after)
    assert pair4.stats(CLIENT, "calls")["written"] == len(after)


@pytest.mark.parametrize("settings, error, moved", [
    ({"store_size": 29}, errno.ENOSPC, "NoRoom"),
    ({"store_size": 41}, errno.EINVAL, None),
    ({"store_size": 8, "head": head() | 5 << 16}, errno.EINVAL, "Refused"),
    ({"store_size": 10, "head": head(8)}, errno.EEXIST, "Refused"),
    ({"reserve": 8, "store_write": 12}, errno.ENOSPC, "Refused"),
], ids=["no-room", "longer-than-a-header", "not-whole", "the-stacks", "more-than-reserved"])
def test_bytes_that_cannot_be_sent(pair4, settings, error, moved):
    pair4.attach(CLIENT, "calls", **{"head": head(), "flags_at": ESTABLISHED, "flags": WRITE,
                                     **settings})
    pair4.connect().upload(5000)
    segments = sent(pair4.finish(), CLIENT, without=SYN)
    assert not any(s.option(KIND) for s in segments)
    assert pair4.stats(CLIENT, "calls")["store_errno"] == error
    for key in ("NoRoom", "Refused"):
        assert pair4.counter(CLIENT, key) == (len(segments) if key == moved else 0), key


@pytest.mark.parametrize("kind, exid, error", [
    (0, 0, errno.EINVAL), (1, 0, errno.EINVAL), (256, 0, errno.EINVAL),
    (KIND, 5, errno.EINVAL), (253, 0, errno.EINVAL),
    *[(kind, 0, errno.EEXIST) for kind in (2, 3, 4, 5, 8, 19, 29, 30, 34)],
    (254, 0xf989, errno.EEXIST), (254, 0xe2d4c3d9, errno.EEXIST),
    (28, 0, 0), (253, 0x1234, 0), (254, 0x12345678, 0)])
def test_what_can_be_owned(pair4, kind, exid, error):
    pair4.attach(CLIENT, "calls", watch_at=CONNECT, watch_kind=kind, watch_exid=exid)
    pair4.connect().finish()
    stats = pair4.stats(CLIENT, "calls")
    assert (stats["watch_errno"], stats["watched"]) == (error, 0 if error else 1)


@pytest.mark.parametrize("change", [
    {"set_length": 1}, {"set_length": 41}, {"set_where": 0}, {"set_where": 32},
    {"set_where": ON_ACK | UNTIL_ACKED}, {"set_times": 65536},
    {"head": head() | 4 << 16, "set_length": 8}], ids=str)
def test_templates_that_make_no_sense(pair4, change):
    pair4.attach(CLIENT, "calls", **{**template(8), **change})
    pair4.connect().finish()
    stats = pair4.stats(CLIENT, "calls")
    assert stats["set_errno"] == errno.EINVAL and stats["templates"] == 0
    assert pair4.counter(CLIENT, "Sent") == 0


def test_another_programs_option(pair4):
    """The first owns it: the other can neither watch it nor send it, until it is gone."""
    pair4.attach(CLIENT, "calls", **watch(CONNECT))
    pair4.attach(CLIENT, "calls2", **watch(CONNECT), set_at=ESTABLISHED, set_length=8,
                 set_where=ON_DATA, flags_at=ESTABLISHED, flags=WRITE, store_size=8)
    pair4.connect().upload(100)
    loser = pair4.stats(CLIENT, "calls2")
    for call in ("watch", "set", "store"):
        assert loser[call + "_errno"] == errno.EEXIST, call
    pair4.detach(CLIENT, "calls")
    pair4.upload(100)
    data = sent(pair4.finish(), CLIENT, payload=True)
    assert not data[0].option(KIND) and data[-1].option(KIND) == [value(8)]


@pytest.mark.parametrize("nested", [False, True], ids=["one-cgroup", "parent-and-child"])
def test_each_reads_its_own(pair, make_cgroup, nested):
    """Experiments that share kind 253, two programs at each end."""
    first, second = head(253, 0x11, 0x11), head(253, 0x22, 0x22)
    for name in (CLIENT, SERVER):
        for program, word, exid in (("calls", first, 0x1111), ("calls2", second, 0x2222)):
            pair.attach(name, program, head=word, set_at=ESTABLISHED, set_length=8,
                        set_where=ON_ACK | ON_DATA, watch_at=ESTABLISHED, watch_kind=253,
                        watch_exid=exid)
        if nested:
            pair.detach(name, "calls2")
            pair.cgroups[name] = make_cgroup("child", pair.cgroups[name])
            pair.attach(name, "calls2", head=second, set_at=ESTABLISHED, set_length=8,
                        set_where=ON_ACK | ON_DATA, watch_at=ESTABLISHED, watch_kind=253,
                        watch_exid=0x2222)
    pair.connect().upload(5000)
    pair.download(5000)
    segments = pair.finish()
    data = [s for s in segments if s.payload]
    assert data and all(sorted(s.option(253)) == [value(8, 0x11, 0x11), value(8, 0x22, 0x22)]
                        for s in data)
    for name in (CLIENT, SERVER):
        child = pair.cgroups[name]
        parent = child.parent if nested else child
        for stats in (pair.loader.stats("calls", parent), pair.loader.stats("calls2", child)):
            assert stats["parsed"] > 0 and stats["parsed_wrong"] == 0


def test_nobody_runs_for_an_option_that_nobody_watches(pair4):
    pair4.attach(CLIENT, "calls", **template(8))
    pair4.attach(SERVER, "calls", **watch(kind=KIND + 1))
    pair4.connect().upload(5000)
    pair4.finish()
    assert pair4.stats(SERVER, "calls")["parsed"] == 0
    assert pair4.counter(SERVER, "Parsed") == 0


def test_flags_are_each_programs_own(pair4):
    """A neighbour that clears its flags does not switch this one off."""
    pair4.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, store_size=4)
    pair4.attach(CLIENT, "calls2", flags_at=ESTABLISHED, flags=0)
    pair4.connect().upload(100)
    after = sent(pair4.finish(), CLIENT, without=SYN)
    assert all(s.option(KIND) for s in after)
    assert pair4.stats(CLIENT, "calls2")["sized"] == 0


def test_ss_is_unharmed(pair4):
    for name in (CLIENT, SERVER):
        pair4.attach(name, "calls", **template(8))
    pair4.connect().upload(100)
    text = eventually(lambda: run("ip", "netns", "exec", CLIENT, "ss", "-tinemOH"), "ss")
    line = next(line for line in text.splitlines() if ":7000" in line)
    assert "ESTAB" in line and "cubic" in line and "bytes_acked:" in line
    pair4.finish()
