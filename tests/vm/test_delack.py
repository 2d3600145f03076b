# SPDX-License-Identifier: GPL-2.0-or-later
"""The acknowledgement strategy, asked by our option and by TARR: what does not
depend on the kernel.
"""
import pytest

from net import ACK, CLIENT, SERVER, SYN, eventually
from pair import Pair, experiment

EXID, TARR = 0x7464, 0x00ac
KIND = {EXID: 253, TARR: 254}


@pytest.fixture
def delack(hosts, shared_loader, make_cgroup):
    return Pair(hosts, shared_loader, make_cgroup, "delack")


def request(rtt, segments):
    return experiment(EXID, rtt.to_bytes(2, "big") + bytes([segments]))


def tarr(*rate):
    return experiment(TARR, bytes(r << 1 for r in rate), KIND[TARR])


def options(segments, source, exid):
    """Values of an experiment's options, with the segments that carried them."""
    name = exid.to_bytes(2, "big")
    return [(s, value[2:]) for s in segments if s.source == source
            for value in s.option(KIND[exid]) if value[:2] == name]


def test_asked_from_the_third_ack_until_acknowledged(delack):
    delack.attach(CLIENT, rtt=50, segments=8)
    delack.attach(SERVER)
    delack.connect()
    for _ in range(4):
        delack.upload(100)
        delack.download(100)
    segments = [s for s in delack.capture.segments() if s.source == CLIENT]
    asked = options(segments, CLIENT, EXID)
    assert {value for _, value in asked} == {bytes.fromhex("003208")}
    sent = [bool(s.option(253)) for s in segments]
    assert sent[:2] == [False, True] and not sent[-1]
    assert sent[1:] == sorted(sent[1:], reverse=True), "came back after it was acknowledged"


def test_either_end_may_ask(delack):
    delack.attach(CLIENT)
    delack.attach(SERVER, segments=4)
    delack.connect()
    delack.download(100)
    delack.upload(100)
    assert {value for _, value in options(delack.capture.segments(), SERVER, EXID)} == {b"\0\0\4"}
    assert delack.counted(CLIENT)["received"] > 0


def test_peers_change_nothing_unless_allowed(delack):
    delack.attach(CLIENT, rtt=50, segments=8)
    delack.attach(SERVER)
    delack.connect()
    delack.upload(100)
    stats = delack.stats(SERVER)
    assert stats["not_allowed"] == 2 * stats["received"] > 0 and stats["applied"] == 0


@pytest.mark.parametrize("asked, counted", [
    (50, {"applied": 1}), (5, {"applied": 1, "clamped": 1}), (500, {"applied": 1, "clamped": 1})])
def test_timeout_within_bounds(delack, asked, counted):
    delack.attach(SERVER, min_rtt=20, max_rtt=80)
    raw = delack.connect_raw(ack=request(asked, 0))
    raw.data()
    assert delack.counted(SERVER) == {"received": 1, **counted}
    raw.data(options=request(asked, 0))
    assert delack.stats(SERVER)["unchanged"] == 1
    raw.close()


@pytest.mark.parametrize("option, counted", [
    (request(0, 0), {"bad_value": 1}),
    (request(50, 0) * 2, {"received": 1, "applied": 1, "repeated": 1}),
    *[(experiment(EXID, b"\0\x32\0" * 11)[:4 + count], {"bad_length": 1})
      for count in (0, 1, 2, 4, 5, 12, 30)]])
def test_bad_requests_are_ignored_and_counted(delack, option, counted):
    if "bad_length" in counted:
        option = option[:1] + bytes([len(option)]) + option[2:]
    delack.attach(SERVER, max_rtt=100)
    raw = delack.connect_raw()
    raw.data(options=option)
    assert delack.counted(SERVER) == counted
    raw.close()


def test_request_in_a_syn_is_not_heard(delack):
    delack.attach(SERVER, max_rtt=100)
    raw = delack.connect_raw(syn=request(50, 0))
    raw.data()
    assert delack.counted(SERVER) == {}
    raw.close()


def test_tarr_is_negotiated(delack):
    """Both ends say that they know it; then the client asks, until acknowledged."""
    delack.attach(CLIENT, tarr=1, tarr_rate=10)
    delack.attach(SERVER, tarr=1)
    delack.connect()
    for _ in range(4):
        delack.upload(100)
        delack.download(100)
    segments = delack.capture.segments()
    told = [(s.source, s.flags & (SYN | ACK), value) for source in (CLIENT, SERVER)
            for s, value in options(segments, source, TARR) if s.flags & SYN]
    assert told == [(CLIENT, SYN, b""), (SERVER, SYN | ACK, b"")]
    asked = [s for s, _ in options(segments, CLIENT, TARR) if not s.flags & SYN]
    assert asked and {s.rate for s in asked} == {"10"}
    after = [bool(s.option(254)) for s in segments if s.source == CLIENT and not s.flags & SYN]
    assert after == sorted(after, reverse=True) and not after[-1]
    assert delack.stats(CLIENT)["negotiated"] == 1
    assert delack.stats(SERVER)["received"] == len(asked)


def test_server_asks_by_tarr(delack):
    delack.attach(CLIENT, tarr=1)
    delack.attach(SERVER, tarr=1, tarr_rate=127)
    delack.connect()
    delack.download(100)
    delack.upload(100)
    asked = options(delack.capture.segments(), SERVER, TARR)
    assert {s.rate for s, _ in asked[1:]} == {"127"}
    assert delack.stats(CLIENT)["received"] > 0


@pytest.mark.parametrize("client, server", [(0, 1), (1, 0)])
def test_tarr_takes_both_ends(delack, client, server):
    delack.attach(CLIENT, tarr=client, tarr_rate=10, tarr_now=1)
    delack.attach(SERVER, tarr=server, tarr_rate=10, tarr_now=1)
    delack.connect()
    for _ in range(4):
        delack.upload(100)
        delack.download(100)
    segments = delack.capture.segments()
    found = options(segments, CLIENT, TARR) + options(segments, SERVER, TARR)
    assert [(s.source, value) for s, value in found] == ([(CLIENT, b"")] if client else [])


def test_immediate_ack_is_asked_for_with_pushed_segments(delack):
    """Not while R is being told, which is in the same option."""
    delack.attach(CLIENT, tarr=1, tarr_rate=10, tarr_now=1)
    delack.attach(SERVER, tarr=1)
    delack.connect()
    for _ in range(6):
        delack.upload(100)
        delack.download(100)
    rates = [s.rate for s in delack.capture.segments()
             if s.source == CLIENT and s.payload]
    assert rates[0] == "10" and set(rates[2:]) == {"0"}, rates
    assert all(len(rate) < 3 for rate in rates), "twice in a segment"
    assert delack.stats(CLIENT)["asked_now"] == rates.count("0")


@pytest.mark.parametrize("option, counted", [
    (tarr(), {"negotiated": 1}), (tarr(1, 1), {"bad_length": 1}),
    (experiment(TARR, bytes(20), KIND[TARR]), {"bad_length": 1}),
    (tarr(5)[:4] + b"\x0b", {"received": 1, "not_allowed": 1}), (experiment(TARR, b"\x0a"), {}),
    (tarr(5), {"received": 1, "not_allowed": 1}), (tarr(0), {"received": 1, "not_allowed": 1}),
    (tarr(5) + tarr(9), {"received": 1, "not_allowed": 1, "repeated": 1})])
def test_tarr_of_a_peer(delack, option, counted):
    """Without leave to serve it; the connection is none the worse."""
    delack.attach(SERVER, tarr=1)
    raw = delack.connect_raw()
    raw.data(options=option)
    assert delack.counted(SERVER) == counted
    raw.data()
    raw.close()


def test_tarr_of_the_other_kind(delack):
    delack.attach(CLIENT, tarr=1, tarr_rate=10, tarr_kind=253)
    delack.attach(SERVER, tarr=1, tarr_kind=253)
    delack.connect()
    delack.upload(100)
    segments = delack.capture.segments()
    assert {s.rate for s in segments if s.payload} == {"10"}
    assert not any(s.option(254) for s in segments)
    assert delack.stats(SERVER)["received"] > 0


def test_both_options_at_once(delack):
    delack.attach(CLIENT, rtt=50, tarr=1, tarr_rate=4)
    delack.attach(SERVER, max_rtt=100, tarr=1)
    delack.connect()
    delack.upload(100)
    eventually(lambda: delack.stats(SERVER)["applied"], "timeout set")
    first = [s for s in delack.capture.segments() if s.source == CLIENT and s.payload][0]
    assert first.rate == "4" and first.option(253) and first.option(254)
