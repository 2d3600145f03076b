# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of option field that a peer can make up, on every kind of segment.

The tests `without_a_program` need no patched kernel: what becomes of a segment
there, on the stock one, is what has to become of it with a program that watches.
"""
import collections
import hashlib

import pytest

from net import ACK, FIN, PSH, RST, SERVER
from pair import PORT, Pair
from rawtcp import SACK_OK, RawPeer
from test_options import CONNECT, KIND, LISTEN, value, watch

EOL, NOP, OTHER = 0, 1, KIND + 1
SIZE = 10  # bytes of data
# A kernel that knows TCP-AO looks for it before all else, and drops a segment in
# which it cannot. A rest in which none has room is left to the parser, which stops.
SIGNATURE = 5

Input = collections.namedtuple("Input", "name field dropped malformed watched")


def judged(name, field):
    """With what a stock kernel makes of it, and how many watched options it comes to."""
    rest = field + bytes([NOP]) * (-len(field) % 4)
    watched = 0
    while rest and rest[0] != EOL:
        if rest[0] == NOP:
            rest = rest[1:]
            continue
        if len(rest) < 2 or not 2 <= rest[1] <= len(rest):
            dropped = len(rest) >= SIGNATURE
            return Input(name, field, dropped, True, 0 if dropped else watched)
        watched |= rest[0] == KIND  # copies are told as a number
        rest = rest[rest[1]:]
    return Input(name, field, False, False, watched)


def option(length):
    """The watched one, whole."""
    return bytes([KIND, length]) + value(length)


def fields():
    for length in range(2, 41):
        yield f"length-{length}", option(length)
    for room in range(4, 41, 4):
        for length in sorted({0, 1, room + 1, 41, 255}):
            yield f"{length}-in-{room}", (bytes([KIND, length]) + bytes(38))[:room]
        nops = bytes([NOP] * (room - 2))
        yield f"no-length-in-{room}", nops + bytes([NOP, KIND])
        yield f"3-in-2-of-{room}", nops + bytes([KIND, 3])
        yield f"last-of-{room}", nops + option(2)
    for length in (0, 1, 3, 40):
        yield f"{length}-behind-whole", option(6) + bytes([KIND, length])
        yield f"{length}-well-behind-whole", option(6) + bytes([KIND, length, 0xca]) + bytes(7)
    yield "twice", option(4) * 2
    yield "twice-unlike", option(30) + option(10)
    yield "ten", option(4) * 10
    yield "twenty", option(2) * 20
    yield "nops", bytes([NOP] * 40)
    yield "eols", bytes(40)
    yield "behind-eol", bytes([EOL]) + option(7)
    yield "around-eol", option(4) + bytes([EOL]) + option(7)
    yield "cut-behind-eol", option(4) + bytes([EOL, KIND, 40]) + bytes(9)
    yield "other", bytes([OTHER, 40]) + bytes(38)
    yield "behind-other", bytes([OTHER, 4, 0, 0]) + option(4)
    for length in (2, 3, 4, 5):  # no room for the identifier of an experiment, or another's
        yield f"experiment-{length}", bytes([253, length, 0xde, 0xad, 1])[:length]
    for kind, length in ((8, 9), (8, 12), (5, 3), (5, 9), (4, 3), (3, 4), (2, 3), (34, 40)):
        yield f"stack-{kind}-of-{length}", bytes([kind, length]) + bytes(length - 2)


INPUTS = [judged(*named) for named in fields()]
MALFORMED = sum(i.malformed for i in INPUTS)
WATCHED = sum(i.watched for i in INPUTS)


@pytest.fixture(params=[True, False], ids=["watched", "without_a_program"])
def bad(request, hosts, shared_loader, make_cgroup):
    """A listener, and a raw peer that has not connected yet."""
    pair = Pair(hosts, shared_loader, make_cgroup, "calls")
    pair.watching = request.param
    if pair.watching:
        pair.attach(SERVER, **watch(LISTEN | CONNECT))
    pair.listen()
    pair.raw = RawPeer(hosts, PORT)
    return pair


def accepted(bad, connect):
    """What connect() says of a new connection, which the server accepts as bad.inn."""
    bad.raw.renew()
    bad.server.start("accept", bad.listener)
    result = connect()
    bad.inn = bad.server.wait()
    return result


def counted(bad, malformed, watched):
    """The counters moved by no more and no less."""
    if not bad.watching:
        return
    assert bad.counter(SERVER, "Malformed") == malformed
    assert bad.counter(SERVER, "Parsed") == watched
    stats = bad.stats(SERVER)
    assert (stats["parsed"], stats["parsed_wrong"]) == (watched, 0)


def is_dropped(raw, flags, options, payload=b""):
    """If the server does not take this segment, it is as if it had not been sent."""
    start = raw.next
    raw.send(flags, options, payload)
    end, taken = raw.next, raw.probe()
    assert taken in (start, end)
    raw.next = taken
    return taken == start


def test_in_data(bad):
    """All on one connection, of which every byte arrives."""
    accepted(bad, lambda: bad.raw.connect(SACK_OK))
    for i in INPUTS:
        dropped = is_dropped(bad.raw, ACK | PSH, i.field, bytes(SIZE))
        assert dropped == i.dropped, i
        assert not dropped or not is_dropped(bad.raw, ACK | PSH, b"", bytes(SIZE)), i
    counted(bad, MALFORMED, WATCHED)
    count = SIZE * len(INPUTS)
    assert bad.server.recv(bad.inn, count) == hashlib.sha256(bytes(count)).hexdigest()


def test_in_pure_acks_and_out_of_order(bad):
    """Segments that leave the connection where it was."""
    accepted(bad, lambda: bad.raw.connect(SACK_OK))
    start = bad.raw.next
    for i in INPUTS:
        bad.raw.send(ACK, i.field)
        bad.raw.next = start + 200
        bad.raw.send(ACK | PSH, i.field, bytes(SIZE))
        bad.raw.next = start
        assert bad.raw.probe() == start, i
    counted(bad, 2 * MALFORMED, 2 * WATCHED)
    bad.raw.data(100)


def test_in_fin(bad):
    for i in INPUTS:
        accepted(bad, lambda: bad.raw.connect(SACK_OK))
        assert is_dropped(bad.raw, FIN | ACK, i.field) == i.dropped, i
        assert not i.dropped or not is_dropped(bad.raw, FIN | ACK, b""), i
        assert bad.server.recv_eof(bad.inn) == 0
        bad.raw.send(RST | ACK)
        bad.server.close(bad.inn)
    counted(bad, MALFORMED, WATCHED)


def test_in_syn_and_rst(bad):
    """A reset that is taken ends the connection; its options are nobody's."""
    for i in INPUTS:
        taken = accepted(bad, lambda i=i: bad.raw.connect_if_taken(i.field))
        assert taken != i.dropped, i
        bad.raw.data(SIZE)
        bad.raw.send(RST | ACK, i.field)
        assert bad.raw.is_reset() != i.dropped, i
        bad.raw.send(RST | ACK)
        bad.server.close(bad.inn)
    counted(bad, 2 * MALFORMED, WATCHED)
