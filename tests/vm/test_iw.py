# SPDX-License-Identifier: GPL-2.0-or-later
"""The initial window request, as tshark and ss see it."""
import contextlib

import pytest

from net import ADDRESS, CLIENT, RAW_ADDRESS, SERVER, SYN, PeerError, eventually
from pair import Pair, experiment

EXID = 0x7469
USUAL = 10  # Linux's initial window, MSS


@pytest.fixture
def iw(hosts, shared_loader, make_cgroup):
    return Pair(hosts, shared_loader, make_cgroup, "iw")


def window(iw, name=SERVER):
    return iw.tcp_info(name)["cwnd"]


def request(segments):
    return experiment(EXID, segments.to_bytes(2, "big"))


def heard(iw, name=SERVER):
    """Counters of an end, once the other's third ACK has come."""
    eventually(lambda: iw.counted(name), "a request")
    return iw.counted(name)


@pytest.mark.parametrize("trusted", ["{}", "10.9.0.0/24,fd09::/64", "0.0.0.0/0,::/0"])
def test_client_asks_in_the_third_ack(iw, family, trusted):
    iw.attach(CLIENT, window=20)
    address = f"{ADDRESS[family][CLIENT]}/{32 if family == 4 else 128}"
    iw.attach(SERVER, trusted=trusted.format(address))
    iw.connect(family)
    assert heard(iw)["applied"] == 1
    assert window(iw) == 20 and window(iw, CLIENT) == USUAL
    segments = iw.capture.segments()
    asked = [s for s in segments if s.option(253)]
    assert [s.source for s in asked] == [CLIENT] and not asked[0].flags & SYN
    assert asked[0].option(253) == [request(20)[2:]]


@pytest.mark.parametrize("asked", [4, 30])
def test_the_window_is_what_leaves_at_once(iw, asked):
    """One more may be a probe for lost segments."""
    iw.hosts.offloads(False)
    # A guest may take longer than a retransmission timeout to get going.
    iw.hosts.sysctl(SERVER, "net.ipv4.tcp_slow_start_after_idle", 0)
    iw.attach(SERVER, trusted=f"{RAW_ADDRESS}/32")
    raw = iw.connect_raw(ack=request(asked))
    heard(iw)
    iw.server.start("send", iw.inn, 60_000)
    assert raw.flight() in (asked, asked + 1)
    raw.close()
    with contextlib.suppress(PeerError):  # whether the buffer took it all
        iw.server.wait()


def test_server_asks_in_the_syn_ack(iw, family):
    iw.attach(SERVER, window=25)
    iw.attach(CLIENT, trusted="10.9.0.2/32,fd09::2/128")
    iw.connect(family)
    assert window(iw, CLIENT) == 25 and window(iw) == USUAL
    iw.upload(1000)
    iw.download(1000)
    asked = [s for s in iw.capture.segments() if s.option(253)]
    assert [(s.source, bool(s.flags & SYN)) for s in asked] == [(SERVER, True)]
    assert asked[0].option(253) == [request(25)[2:]]


def test_both_ask(iw):
    iw.attach(SERVER, window=25, trusted="10.9.0.1/32")
    iw.attach(CLIENT, window=5, trusted="10.9.0.2/32")
    iw.connect()
    assert heard(iw)["applied"] == 1
    assert (window(iw), window(iw, CLIENT)) == (5, 25)


def test_until_the_server_is_heard(iw):
    """The third ACK may be lost, so the first data repeats it; the rest does not."""
    iw.attach(CLIENT, window=20)
    iw.attach(SERVER, trusted="10.9.0.0/24")
    iw.connect()
    for _ in range(3):
        iw.upload(100)
        iw.download(100)
    sent = [bool(s.option(253)) for s in iw.capture.segments()
            if s.source == CLIENT and not s.flags & SYN]
    assert sent[:2] == [True, True] and not any(sent[2:])
    stats = iw.stats(SERVER)
    assert stats["received"] == 2 and stats["applied"] == 1 and stats["late"] == 0


@pytest.mark.parametrize("trusted", ["", "10.9.0.2/32,fd09::2/128", "10.9.1.0/24,fd09:0:0:1::/64"])
def test_strangers_are_refused(iw, family, trusted):
    iw.attach(CLIENT, window=20)
    iw.attach(SERVER, **({"trusted": trusted} if trusted else {}))
    iw.connect(family)
    assert heard(iw)["untrusted"] == 1
    assert window(iw) == USUAL and iw.stats(SERVER)["applied"] == 0


def test_ipv4_peer_of_an_ipv6_listener(iw):
    iw.attach(CLIENT, window=20)
    iw.attach(SERVER, trusted="10.9.0.1/32")
    client, server = iw.hosts.peer(CLIENT, iw.cgroups[CLIENT]), iw.hosts.peer(SERVER, iw.cgroups[SERVER])
    listener = server.listen("::", 7000)
    server.start("accept", listener)
    client.connect(ADDRESS[4][SERVER], 7000)
    server.wait()
    assert heard(iw)["applied"] == 1 and window(iw) == 20


def test_capped(iw):
    iw.attach(CLIENT, window=65535)
    iw.attach(SERVER, trusted="10.9.0.0/24", max_window=24)
    iw.connect()
    stats = heard(iw)
    assert stats["applied"] == stats["capped"] == 1 and window(iw) == 24


def test_too_late_once_data_was_sent(iw):
    iw.attach(SERVER, trusted=f"{RAW_ADDRESS}/32")
    raw = iw.connect_raw()
    iw.server.send(iw.inn, 100)
    raw.receive(lambda flags, ack, size: size)
    raw.data(options=request(20))
    assert iw.counted(SERVER) == {"received": 1, "late": 1}
    assert window(iw) < 20
    raw.close()


def test_never_in_a_syn(iw):
    iw.attach(SERVER, trusted=f"{RAW_ADDRESS}/32")
    raw = iw.connect_raw(syn=request(20))
    raw.data()
    assert iw.counted(SERVER) == {} and window(iw) <= USUAL
    raw.close()


@pytest.mark.parametrize("ack, expected", [
    (request(0), {"bad_value": 1}), (request(20) * 2, {"received": 1, "applied": 1, "repeated": 1}),
    *[(experiment(EXID, b"\0\x14" * 16)[:4 + count], {"bad_length": 1})
      for count in (0, 1, 3, 4, 7, 30)]])
def test_bad_requests_are_ignored_and_counted(iw, ack, expected):
    if "bad_length" in expected:
        ack = ack[:1] + bytes([len(ack)]) + ack[2:]
    iw.attach(SERVER, trusted=f"{RAW_ADDRESS}/32")
    raw = iw.connect_raw(ack=ack)
    assert heard(iw) == expected
    assert window(iw) == (20 if "applied" in expected else USUAL)
    raw.data()
    raw.close()
