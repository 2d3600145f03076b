# SPDX-License-Identifier: GPL-2.0-or-later
"""The congestion control request, as tshark and ss see it."""
import pytest

from net import CLIENT, SERVER, SYN, run
from pair import Pair, experiment

EXID = 0x7463
RENO, CUBIC, VEGAS, DCTCP = 1, 2, 3, 14
NEVER = 200  # no algorithm has this id


@pytest.fixture
def cc(hosts, shared_loader, make_cgroup):
    pair = Pair(hosts, shared_loader, make_cgroup, "cc")
    pair.usual = run("ip", "netns", "exec", SERVER, "sysctl", "-n",
                     "net.ipv4.tcp_congestion_control").strip()
    assert pair.usual != "reno", "tests could not tell"
    return pair


def algorithm(cc):
    return cc.tcp_info(SERVER)["algorithm"]


def test_server_takes_what_the_client_asks_for(cc, family):
    cc.attach(CLIENT, request="reno")
    cc.attach(SERVER, allow=f"{cc.usual},reno")
    cc.connect(family)
    cc.upload(1000)
    cc.download(1000)
    assert algorithm(cc) == "reno"
    assert cc.tcp_info(CLIENT)["algorithm"] == cc.usual, "asks, does not use"
    assert cc.stats(SERVER)["applied"] == 1
    segments = cc.capture.segments()
    asked = [s for s in segments if s.option(253)]
    assert asked and all(s.source == CLIENT and not s.flags & SYN for s in asked)
    assert asked[0] is [s for s in segments if s.source == CLIENT and not s.flags & SYN][0], "third ACK"
    assert {s.option(253)[0] for s in asked} == {experiment(EXID, bytes([RENO]))[2:]}


def test_asked_until_acknowledged(cc):
    cc.attach(CLIENT, request="reno")
    cc.attach(SERVER, allow="reno")
    cc.connect()
    for _ in range(4):
        cc.upload(100)
        cc.download(100)
    sent = [bool(s.option(253)) for s in cc.capture.segments()
            if s.source == CLIENT and not s.flags & SYN]
    assert sent[0] and not sent[-1]
    assert sent == sorted(sent, reverse=True), "came back after it was acknowledged"


def test_pure_acks_do_not_ask_for_ever(cc):
    """A client that only receives is never acknowledged."""
    cc.hosts.offloads(False)
    cc.attach(CLIENT, request="reno")
    cc.attach(SERVER, allow="reno")
    cc.connect()
    for _ in range(50):
        cc.download(4000)
    sent = [bool(s.option(253)) for s in cc.capture.segments()
            if s.source == CLIENT and not s.flags & SYN]
    assert sent.count(True) == 32 < len(sent)
    assert algorithm(cc) == "reno"


def test_experiment_id_of_32_bits(cc):
    cc.attach(CLIENT, request="reno", exid=0x12345678)
    cc.attach(SERVER, allow="reno", exid=0x12345678)
    cc.connect()
    cc.upload(100)
    assert algorithm(cc) == "reno"
    asked = [s.option(253)[0] for s in cc.capture.segments() if s.option(253)]
    assert set(asked) == {bytes.fromhex("1234567801")}


def test_another_experiment_is_not_heard(cc):
    cc.attach(CLIENT, request="reno", exid=0x1111)
    cc.attach(SERVER, allow="reno")
    cc.connect()
    cc.upload(100)
    assert algorithm(cc) == cc.usual and cc.counted(SERVER) == {}


def test_server_without_the_program_is_left_alone(cc):
    cc.attach(CLIENT, request="reno")
    cc.connect()
    cc.upload(100)
    assert algorithm(cc) == cc.usual


@pytest.mark.parametrize("asked, allow, counter", [
    ("reno", "{}", "not_allowed"), ("reno", "", "not_allowed"), ("{}", "{}", "unchanged")])
def test_not_on_the_list(cc, asked, allow, counter):
    cc.attach(CLIENT, request=asked.format(cc.usual))
    cc.attach(SERVER, allow=allow.format(cc.usual))
    cc.connect()
    cc.upload(100)
    stats = cc.stats(SERVER)
    assert algorithm(cc) == cc.usual
    assert stats[counter] == stats["received"] > 0 and stats["applied"] == 0


@pytest.mark.parametrize("value, counter", [
    (bytes([NEVER]), "unknown"), (bytes([DCTCP]), "absent"), (b"\0", "bad_value"),
    *[(bytes([RENO]) * count, "bad_length") for count in (0, 2, 3, 4, 5, 12, 30)]])
def test_bad_requests_are_ignored_and_counted(cc, value, counter):
    cc.attach(SERVER, allow="reno")
    raw = cc.connect_raw(ack=experiment(EXID, value))
    raw.data()
    assert algorithm(cc) == cc.usual
    assert cc.stats(SERVER)[counter] == 1 and cc.stats(SERVER)["applied"] == 0
    raw.close()


@pytest.mark.parametrize("peers, heard", [
    ("10.9.0.0/24,fd09::/64", True), ("10.9.1.0/24,fd09:0:0:1::/64", False), ("", False)])
def test_which_peers_are_heard(cc, family, peers, heard):
    cc.attach(CLIENT, request="reno")
    cc.attach(SERVER, allow="reno", peers=peers)
    cc.connect(family)
    cc.upload(100)
    stats = cc.stats(SERVER)
    assert (algorithm(cc) == "reno") == heard
    assert (stats["applied"], stats["not_allowed"] > 0) == (int(heard), not heard)


def test_a_peer_that_keeps_changing_its_mind(cc):
    """Each change starts the server's window anew, so there are not so many of them."""
    cc.attach(SERVER, allow="reno,cubic")
    raw = cc.connect_raw()
    for n in range(60):
        raw.data(options=experiment(EXID, bytes([RENO if n % 2 else CUBIC])))
    stats = cc.stats(SERVER)
    assert stats["received"] == 60 and stats["not_allowed"] > 0
    assert stats["applied"] + stats["unchanged"] + stats["not_allowed"] == 60
    raw.close()


@pytest.mark.parametrize("options, expected", [
    (experiment(EXID, b"\1") + experiment(EXID, b"\1"), {"received": 1, "applied": 1, "repeated": 1}),
    (b"\1" * 30 + experiment(EXID, b"\1"), {"received": 1, "applied": 1}),
    (b"\1" * 40, {}),
    (b"\0" + experiment(EXID, b"\1"), {}),
    (bytes.fromhex("fd03741a"), {}),
    (bytes.fromhex("fd0274630101"), {}),
    (bytes.fromhex("fd05746301fd"), {"received": 1, "applied": 1}),
    (bytes.fromhex("420674630101fd05746301"), {"received": 1, "applied": 1}),
    (bytes.fromhex("4200fd05746301"), {}),
    (bytes.fromhex("42fffd05746301"), {}),
], ids=["twice", "last", "nops", "behind-eol", "no-room-for-id", "no-id", "cut-behind",
        "behind-another", "behind-length-0", "behind-length-255"])
def test_odd_headers(cc, options, expected):
    cc.attach(SERVER, allow="reno")
    raw = cc.connect_raw()
    raw.data(options=options, may_be_dropped=not expected)
    assert cc.counted(SERVER) == expected
    assert algorithm(cc) == ("reno" if expected else cc.usual)
    raw.close()


def test_request_in_a_syn_is_not_heard(cc):
    cc.attach(SERVER, allow="reno")
    raw = cc.connect_raw(syn=experiment(EXID, bytes([RENO])))
    raw.data()
    assert cc.counted(SERVER) == {} and algorithm(cc) == cc.usual
    raw.close()
