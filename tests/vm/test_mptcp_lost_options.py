# SPDX-License-Identifier: GPL-2.0-or-later
"""MPTCP options of programs that are lost, or whose echo is: repeated, moved, given up."""
import pytest

import mpopt
from mpopt import DONE, ECHOED, LOST, MOVES, PARSE, UNTIL_ACKED, UNTIL_ECHOED, both, option
from mptcp import PORT, counter
from net import CLIENT, SERVER, eventually
from test_mptcp_options import on_wire


@pytest.fixture
def ends4(mptcp4):
    yield from both(mptcp4)


# Behind timestamps and a DATA_ACK: kind 30 with subtype 0xf.
CARRIES_OPTION = "@th,352,8 0x1e @th,368,4 0xf"


def two_subflows(mptcp):
    """The first one of a session and another, which ndiffports opened."""
    mptcp.attach(CLIENT, "ndiffports", subflows=2)
    session = mptcp.connect()
    flows = session.wait_subflows(CLIENT, 2)
    return session, next(sf for sf in flows if sf.initial)


def test_order_is_kept_if_one_is_lost(mptcp4, ends4):
    """Those behind it wait."""
    client, server = ends4
    # It is given up after some timeouts, which a slow guest needs to let it through.
    mptcp4.paths.shape(0, "100mbit", "300ms")
    session = mptcp4.connect()
    values = [bytes([n]) * 6 for n in range(3)]
    mptcp4.paths.nft(SERVER, f"{CARRIES_OPTION} @th,392,8 0 drop")
    repeated = counter(CLIENT, "BPFOptRetrans")
    orders = [client.order(mpopt.SEND, b=UNTIL_ECHOED, opt=option(value)) for value in values]
    client.wake()
    assert [client.result(order) for order in orders] == [0] * 3
    eventually(lambda: counter(CLIENT, "BPFOptRetrans") > repeated, "repeated", 60)
    assert not server.values()
    mptcp4.paths.reset()
    server.wait_values(values, 60)
    session.exchange()


def test_lost_on_one_path(mptcp4, ends4):
    """It goes on to the other one, once and for all; the data takes both."""
    client, server = ends4
    session, first = two_subflows(mptcp4)
    mptcp4.paths.nft(SERVER, f"tcp sport {first.lport} {CARRIES_OPTION} counter drop")
    client.send(b"moved", flags=UNTIL_ECHOED)
    assert client.wait(DONE, timeout=90).args[1:] == [MOVES, 1]
    assert client.wait(DONE, 2).args[1:] == [ECHOED, 2]
    server.wait_values([b"moved"])
    client.send(b"at once", flags=UNTIL_ECHOED)
    assert client.wait(DONE, 3).args[1:] == [ECHOED, 2]
    session.download(500_000)
    assert len(session.subflows(CLIENT)) == 2


def test_only_the_echo_is_lost(mptcp4, ends4):
    """Sent again and again, it is read once."""
    client, server = ends4
    session = mptcp4.connect()
    again = counter(SERVER, "BPFOptDup")
    mptcp4.paths.nft(CLIENT, f"{CARRIES_OPTION} drop")
    client.send(b"once", flags=UNTIL_ECHOED)
    eventually(lambda: counter(SERVER, "BPFOptDup") >= again + 2, "repeated", 60)
    mptcp4.paths.reset()
    assert client.wait(DONE, timeout=60).args[1:] == [ECHOED, 1]
    server.wait_values([b"once"])
    session.exchange()


def test_reset_for_the_option(mptcp4, ends4):
    """It is not tried on another subflow; the session goes on."""
    client, server = ends4
    session, first = two_subflows(mptcp4)
    mptcp4.paths.nft(SERVER, f"tcp sport {first.lport} {CARRIES_OPTION} reject with tcp reset")
    client.send(b"fatal", flags=UNTIL_ECHOED)
    assert client.wait(DONE, timeout=60).args[1:] == [LOST, 1]
    assert not server.events(PARSE)
    session.exchange()


def send_many(client, count):
    """Each is echoed before this returns."""
    done = len(client.events(DONE))
    for start in range(0, count, 16):
        some = min(16, count - start)
        assert client.now(mpopt.SEND, b=UNTIL_ECHOED, opt=option(b"many"), times=some) == 0
        client.wait(DONE, done + start + some, 60)


def test_serial_number_comes_round(mptcp4, ends4):
    """The one half way round was given up before it arrived."""
    client, server = ends4
    session = mptcp4.connect()
    send_many(client, 128)
    mptcp4.paths.nft(SERVER, f"{CARRIES_OPTION} drop")
    sent = counter(CLIENT, "BPFOptTx")
    client.send(b"never", flags=UNTIL_ECHOED)
    eventually(lambda: counter(CLIENT, "BPFOptTx") > sent, "sent")
    assert client.now(mpopt.CLEAR, a=15, b=mpopt.EXID) == 0
    mptcp4.paths.reset()
    send_many(client, 128)
    assert len(client.events(DONE)) == 256
    server.wait_values([b"many"] * 256)
    session.exchange()


def test_subflow_ends_that_an_option_waits_for(mptcp4, ends4):
    """It never was established; the program hears that the option is lost."""
    client, _ = ends4
    session = mptcp4.connect()
    mptcp4.paths.nft(SERVER, "tcp flags & (syn|ack) == syn drop")
    assert client.now(mpopt.OPEN) == 0
    eventually(lambda: session.subflows(CLIENT, "syn-sent"), "an attempt")
    client.send(b"waits", subflow=2, flags=UNTIL_ECHOED)
    assert client.now(mpopt.CLOSE, a=2) == 0
    assert client.wait(DONE).args[1:] == [LOST, 2]


def test_plain_tcp_carries_none(mptcp4, ends4):
    """One that waits to be acknowledged as the session falls back."""
    _, server = ends4
    session = mptcp4.connect()
    server.send(b"gone", flags=mpopt.UNTIL_ACKED)
    mptcp4.paths.nft(SERVER, f"tcp dport {PORT} tcp flags & syn == 0 reset tcp option mptcp")
    fallen = counter(SERVER, "DssFallback")
    session.upload(1000)
    eventually(lambda: counter(SERVER, "DssFallback") > fallen, "fallback")
    mptcp4.paths.wire.begin()
    session.upload(1000)
    carry = [p for p in mptcp4.paths.wire.packets() if p.source == SERVER]
    assert carry and not [p for p in carry if p.subtypes], carry


@pytest.mark.parametrize("flags", [0, UNTIL_ACKED])
def test_without_memory_it_is_lost(mptcp4, ends4, flags):
    """And not said to be sent."""
    client, server = ends4
    session = mptcp4.connect()
    mptcp4.paths.wire.begin()
    mptcp4.hosts.sysctl(CLIENT, "net.core.optmem_max", 64)
    client.send(b"hello", flags=flags)
    session.exchange()
    eventually(lambda: client.events(DONE), "the end of it", 60)
    assert [event.args[1] for event in client.events(DONE)] == [LOST]
    assert not server.values() and not on_wire(mptcp4.paths.wire.packets(), CLIENT)
    session.exchange()
