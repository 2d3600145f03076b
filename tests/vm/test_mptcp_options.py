# SPDX-License-Identifier: GPL-2.0-or-later
"""MPTCP options of programs: sent, received, echoed."""
import errno

import pytest

import mpopt
from mpopt import ACKED, DONE, ECHOED, LOST, PARSE, SENT, UNTIL_ACKED, UNTIL_ECHOED, both, option
from mptcp import counter
from net import CLIENT, SERVER, digest, eventually
from probe import CLOSE_SESSION, FULLY_ESTABLISHED, NEW_SESSION, TOLD_SUB_CLOSED

PRIVATE = 15


@pytest.fixture
def ends(mptcp):
    yield from both(mptcp)


@pytest.fixture
def ends4(mptcp4):
    yield from both(mptcp4)


def on_wire(packets, source):
    """How many segments of that host carried an option for private use."""
    return [p for p in packets if PRIVATE in p.subtypes and p.source == source]


@pytest.mark.parametrize("flags", [0, UNTIL_ECHOED])
def test_from_either_end(mptcp, ends, flags):
    session = mptcp.connect()
    mptcp.paths.wire.begin()
    for number, (me, peer, name) in enumerate([(*ends, CLIENT), (*ends[::-1], SERVER)]):
        value = b"hello" + bytes([number])
        me.send(value, flags=flags)
        got = peer.wait(PARSE)
        assert got.value == value and got.args[:2] == [PRIVATE, 3 + len(value)]
        assert got.args[2].to_bytes(4, "little") == value[:4]
        assert got.subflow == 1
        done = me.wait(DONE)
        assert done.args == [PRIVATE << 16 | mpopt.EXID, ECHOED if flags else SENT, 1]
        assert counter(name, "BPFOptTx") >= 1
    session.exchange()
    packets = mptcp.paths.wire.packets()
    for name in (CLIENT, SERVER):
        carriers = on_wire(packets, name)
        # One option, and the echo of the other one's.
        assert len(carriers) == (2 if flags else 1)
        assert all(not p.payload and 2 in p.subtypes for p in carriers), "an ACK with its DSS"


def test_order_is_kept(mptcp4, ends4):
    client, server = ends4
    session = mptcp4.connect()
    values = [bytes([n]) * 6 for n in range(8)]
    orders = [client.order(mpopt.SEND, b=UNTIL_ECHOED if n % 2 else 0, opt=option(value))
              for n, value in enumerate(values)]
    client.wake()
    assert [client.result(order) for order in orders] == [0] * 8
    server.wait_values(values)
    eventually(lambda: len(client.events(DONE)) == 8, "all done")
    session.exchange()


def test_during_transfers(mptcp4, ends4):
    """Data segments have no room; neither they nor their DSS are touched."""
    client, server = ends4
    session = mptcp4.connect()
    fallbacks = counter(CLIENT, "MPCapableFallbackACK")
    session.begin_download(5_000_000)
    for n in range(8):
        client.send(bytes([n]), flags=UNTIL_ECHOED)
        server.send(bytes([n]), flags=UNTIL_ECHOED)
    session.end_download(5_000_000)
    for _ in range(4):
        session.client.start("send", session.out, 50_000)
        session.server.start("send", session.inn, 50_000)
        client.send(b"c", flags=UNTIL_ECHOED)
        server.send(b"s", flags=UNTIL_ECHOED)
        assert session.client.wait() == session.server.wait() == 50_000
        assert session.client.recv(session.out, 50_000) == \
            session.server.recv(session.inn, 50_000) == digest(50_000)
    values = [bytes([n]) for n in range(8)]
    server.wait_values(values + [b"c"] * 4)
    client.wait_values(values + [b"s"] * 4)
    assert counter(CLIENT, "MPCapableFallbackACK") == fallbacks
    session.exchange()


def test_longest(mptcp4, ends4):
    """16 bytes beside timestamps, of which two and the serial number are the kernel's."""
    client, server = ends4
    session = mptcp4.connect()
    assert client.now(mpopt.SEND, opt=option(bytes(12))) == -errno.EMSGSIZE
    assert client.now(mpopt.SEND, b=UNTIL_ECHOED, opt=option(bytes(11))) == -errno.EMSGSIZE
    client.send(b"12345678901")
    client.send(b"1234567890", flags=UNTIL_ECHOED)
    server.wait_values([b"12345678901", b"1234567890"])
    session.exchange()


def test_bad_calls(mptcp4, ends4):
    client, _ = ends4
    mptcp4.connect()
    send = {"opt": b"", "length": 0}, {"opt": b"\xf0"}, {"opt": b"\xf0\xfe"}, \
        {"opt": option(bits=1)}, {"opt": option(bits=2)}, {"opt": option(), "b": 1 << 10}, \
        {"opt": option(), "b": UNTIL_ACKED | UNTIL_ECHOED}
    for named in send:
        assert client.now(mpopt.SEND, **named) == -errno.EINVAL, named
    assert client.now(mpopt.SEND, opt=option(exid=0x1234)) == -errno.EPERM
    assert client.now(mpopt.SEND, opt=option(exid=0, subtype=9)) == -errno.EPERM
    assert client.now(mpopt.SEND, opt=option(exid=0, subtype=2)) == -errno.EPERM
    for subtype, exid in [(8, 0), (16, 0), (15, 0), (15, 0x10000), (9, 1)]:
        assert client.now(mpopt.WATCH, a=subtype, b=exid) == -errno.EINVAL
    for n in range(3):
        assert client.now(mpopt.WATCH, a=9 + n) == 0
    assert client.now(mpopt.WATCH, a=12) == -errno.ENOSPC
    assert client.now(mpopt.WATCH, a=9) == 0, "again"
    assert client.now(mpopt.CLEAR, a=15, b=0x1234) == -errno.EPERM


def test_too_many_at_once(mptcp4, ends4):
    client, server = ends4
    mptcp4.connect()
    order = client.order(mpopt.SEND, a=99, opt=option(b"x"), times=32)
    client.wake()
    assert client.result(order) == -errno.ENOBUFS
    # There is no such subflow: all of them end, and the next one is sent.
    eventually(lambda: len(client.events(DONE)) == 16, "16 done")
    assert {tuple(e.args[1:]) for e in client.events(DONE)} == {(LOST, 99)}
    client.send(b"after")
    server.wait_values([b"after"])


def test_unassigned_subtype(mptcp4, ends4):
    client, server = ends4
    session = mptcp4.connect()
    for one in ends4:
        assert one.now(mpopt.WATCH, a=0xd) == 0
    client.send(opt=option(b"other", exid=0, subtype=0xd, bits=0xc), flags=UNTIL_ECHOED)
    got = server.wait(PARSE)
    assert got.option == b"\xde" + b"other", "the peer's flags are the kernel's"
    assert client.wait(DONE).args == [0xd << 16, ECHOED, 1]
    session.exchange()


def test_nobody_watches(mptcp4):
    """The peer ignores it; who asked for an echo learns that there is none."""
    client = mpopt.Options(mptcp4.loader, mptcp4.cgroups[CLIENT])
    session = mptcp4.connect()
    client.send(b"?", flags=UNTIL_ECHOED)
    assert client.wait(DONE, timeout=90).args[1:] == [LOST, 1]
    assert counter(CLIENT, "BPFOptTx") and counter(CLIENT, "BPFOptRetrans") >= 4
    assert counter(CLIENT, "BPFOptLost") >= 1
    # Not on that path again, and the data does not mind.
    client.send(b"?", flags=UNTIL_ECHOED)
    assert client.wait(DONE, 2).args[1:] == [LOST, 0]
    session.exchange()
    client.close()


def test_another_experiment(mptcp4, ends4):
    client, server = ends4
    session = mptcp4.connect()
    unknown = counter(SERVER, "BPFOptUnknown")
    assert client.now(mpopt.WATCH, a=15, b=0x1234) == 0
    client.send(opt=option(b"x", exid=0x1234))
    eventually(lambda: counter(SERVER, "BPFOptUnknown") > unknown, "counted")
    assert not server.events(PARSE)
    session.exchange()


def test_two_programs_share_a_session(mptcp4):
    """Each gets its own; neither can take the other's."""
    loader, cgroups = mptcp4.loader, mptcp4.cgroups
    pairs = {exid: [mpopt.Options(loader, cgroups[name], program, exid=exid)
                    for name in (CLIENT, SERVER)]
             for program, exid in (("mpopt", 0xfe01), ("mpopt2", 0xfe02))}
    session = mptcp4.connect()
    for exid, (client, server) in pairs.items():
        other = 0xfe03 - exid + 0xfe00
        assert client.now(mpopt.WATCH, a=15, b=other) == -errno.EEXIST
        assert client.now(mpopt.SEND, opt=option(b"not mine", exid=other)) == -errno.EPERM
        assert client.now(mpopt.CLEAR, a=15, b=other) == -errno.EPERM
        client.send(opt=option(b"mine", exid=exid), flags=UNTIL_ECHOED)
        assert server.wait(PARSE).option[1:3] == exid.to_bytes(2, "big")
        assert client.wait(DONE).args[1] == ECHOED
    for client, server in pairs.values():
        assert len(server.events(PARSE)) == 1
        client.close(), server.close()
    session.exchange()


def test_beside_a_path_manager(mptcp4, ends4):
    """It is told of subflows that another program opened, and may send on each."""
    client, server = ends4
    mptcp4.attach(CLIENT, "ndiffports", subflows=3)
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 3)
    assert client.wait(NEW_SESSION).watched == 0
    client.wait(FULLY_ESTABLISHED, 3)
    ids = sorted(e.args[1] for e in client.events(FULLY_ESTABLISHED))
    for n in ids:
        client.send(bytes([n]), subflow=n, flags=UNTIL_ECHOED)
    eventually(lambda: len(client.events(DONE)) == 3, "three echoes")
    assert {tuple(e.args[1:]) for e in client.events(DONE)} == {(ECHOED, n) for n in ids}
    assert len({e.subflow for e in server.events(PARSE)}) == 3
    assert client.now(mpopt.CLOSE, a=ids[-1]) == 0
    assert client.wait(TOLD_SUB_CLOSED).args[0] == ids[-1]
    session.exchange()


def test_before_the_session_is_established(mptcp4, ends4):
    """It waits until it may go out."""
    client, server = ends4
    order = client.order(mpopt.SEND, b=UNTIL_ECHOED, opt=option(b"early"), op=NEW_SESSION)
    session = mptcp4.connect(exchange=False)
    assert client.result(order) == 0
    assert not server.events(PARSE)
    session.exchange()
    server.wait_values([b"early"])
    assert client.wait(DONE).args[1] == ECHOED


def test_detached_program_sends_no_more(mptcp4, ends4):
    client, server = ends4
    session = mptcp4.connect()
    # No subflow for it: it would wait.
    client.send(b"x", flags=255)
    mptcp4.loader.ok("detach", "mpopt", "--cgroup", mptcp4.cgroups[CLIENT])
    session.exchange()
    mptcp4.paths.wire.begin()
    session.exchange()
    assert not on_wire(mptcp4.paths.wire.packets(), CLIENT)


def test_cleared(mptcp4, ends4):
    client, _ = ends4
    session = mptcp4.connect()
    client.send(b"x", flags=255)
    session.exchange()
    assert client.now(mpopt.CLEAR, a=15, b=mpopt.EXID) == 0
    session.exchange()
    mptcp4.paths.wire.begin()
    session.exchange()
    assert not on_wire(mptcp4.paths.wire.packets(), CLIENT)
    client.send(b"y")
    assert client.wait(DONE).args[1] == SENT
    mptcp4.paths.wire.begin()
    session.exchange()
    assert not on_wire(mptcp4.paths.wire.packets(), CLIENT)
    assert len(client.events(DONE)) == 1


def test_close_ends_it(mptcp4, ends4):
    client, server = ends4
    session = mptcp4.connect()
    client.send(b"x", flags=255)
    session.close()
    client.wait(CLOSE_SESSION), server.wait(CLOSE_SESSION)


def each(mptcp, **params):
    """Options in all segments that have room, by the callbacks."""
    return (mpopt.Options(mptcp.loader, mptcp.cgroups[CLIENT], **params),
            mpopt.Options(mptcp.loader, mptcp.cgroups[SERVER]))


@pytest.mark.parametrize("way", [1, 2])
def test_in_every_segment_with_room(mptcp, way):
    """ACKs without data: those with data have their DSS."""
    client, server = each(mptcp, each=way, size=8)
    session = mptcp.connect()
    mptcp.paths.wire.begin()
    session.download(200_000)
    packets = [p for p in mptcp.paths.wire.packets() if p.source == CLIENT]
    carriers = on_wire(packets, CLIENT)
    # With SACK blocks there is no room.
    assert len(carriers) > 0.8 * len([p for p in packets if not p.payload])
    assert all(not p.payload and 2 in p.subtypes for p in carriers)
    eventually(lambda: server.events(PARSE), "received")
    assert {e.value for e in server.events(PARSE)} == {b"\xab" * 5}
    session.exchange()
    client.close(), server.close()


@pytest.mark.parametrize("params", [{"each": 1, "size": 15}, {"each": 2, "size": 15},
                                    {"each": 3, "size": 8}, {"each": 4, "size": 8},
                                    {"each": 1, "size": 2}, {"each": 1, "size": 1}])
def test_bad_writers(mptcp4, params):
    """Too long, nothing written, another's option, no whole one: the session does not mind."""
    client, server = each(mptcp4, **params)
    session = mptcp4.connect()
    mptcp4.paths.wire.begin()
    session.exchange()
    session.download(100_000)
    assert not on_wire(mptcp4.paths.wire.packets(), CLIENT)
    assert mptcp4.stats(CLIENT, "mpopt")["asked"] and not server.events(PARSE)
    client.close(), server.close()


def test_fallback_ends_it(mptcp4, ends4):
    """A session of one end only is none: nothing is sent, and no call does any harm."""
    client, _ = ends4
    mptcp4.connect(server_mptcp=False)
    assert not client.events(PARSE, DONE)
    mptcp4.paths.wire.begin()
    client.wake()
    assert not on_wire(mptcp4.paths.wire.packets(), CLIENT)


def test_until_acknowledged(mptcp4, ends4):
    """Without timestamps there is room beside a mapping, so data may carry it."""
    client, server = ends4
    for name in (CLIENT, SERVER):
        mptcp4.paths.sysctl(name, "net.ipv4.tcp_timestamps", 0)
    session = mptcp4.connect()
    mptcp4.paths.wire.begin()
    client.send(b"data", flags=UNTIL_ACKED)
    session.upload(50_000)
    assert client.wait(DONE, timeout=60).args[1:] == [ACKED, 1]
    assert any(p.payload for p in on_wire(mptcp4.paths.wire.packets(), CLIENT))
    assert set(server.values()) == {b"data"}
    mptcp4.paths.wire.begin()
    session.upload(50_000)
    assert not on_wire(mptcp4.paths.wire.packets(), CLIENT)


def test_floods(mptcp4, ends4):
    """Options of all lengths on every ACK: none hurts, each is counted."""
    client, server = ends4
    session = mptcp4.connect()
    for length in range(12):
        for bits in (0, 4, 8, 12):
            client.send(opt=option(bytes(length)[:11], bits=bits), flags=0)
    eventually(lambda: len(client.events(DONE)) == 48, "all sent", 60)
    session.download(300_000)
    assert len(server.values()) == 48
    session.exchange()
