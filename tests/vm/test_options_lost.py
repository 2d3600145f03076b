# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths that drop segments with options: they are given up, the connection is not."""
import socket

import pytest

from net import ACK, ADDRESS, CLIENT, SERVER, SYN, eventually, run
from pair import PORT, sent
from test_options import (CONNECT, ESTABLISHED, KIND, LISTEN, ON_DATA, ON_SYN, ON_SYNACK,
                          UNTIL_ACKED, WRITE, head, template)

DROP = f"tcp option {KIND} exists drop"


def drop(pair, name, rule=DROP):
    """What arrives at a host; tcpdump sees it before."""
    text = "\n".join(["table inet lost {", "chain c {", "type filter hook input priority 0;", rule,
                      "}", "}"])
    pair.hosts.undo.append(["ip", "netns", "exec", name, "nft", "delete table inet lost"])
    run("ip", "netns", "exec", name, "nft", text)


def heal(pair):
    run(*pair.hosts.undo.pop())


def retransmitted(pair, name):
    return pair.hosts.counter(name, "TCPSynRetrans")


def flags_of(segments, source, want, without=0):
    return [bool(s.option(KIND)) for s in sent(segments, source, want, without)]


@pytest.mark.parametrize("way", ["template", "run"])
def test_syn(pair, way):
    """The second SYN goes without; another connection does at once."""
    settings = {"template": template(4, ON_SYN | ON_DATA),
                "run": {"head": head(), "flags_at": CONNECT, "flags": WRITE, "store_size": 4}}
    drop(pair, SERVER)
    pair.attach(CLIENT, "calls", **settings[way])
    pair.connect().upload(1000)
    segments = pair.finish()
    assert flags_of(segments, CLIENT, SYN) == [True, False]
    assert not any(s.option(KIND) for s in sent(segments, CLIENT, without=SYN))
    assert pair.counter(CLIENT, "Lost") == 1
    assert pair.stats(CLIENT, "calls")["lost"] == 1

    def at_once():
        before = retransmitted(pair, CLIENT)
        pair.server.close(pair.listener)
        pair.connect().upload(1000)
        segments = pair.finish()
        return retransmitted(pair, CLIENT) == before and not any(s.option(KIND) for s in segments)
    # The destination is remembered for 10 s, 20, 40: as long as a slow guest needs.
    assert any(at_once() for _ in range(3))
    assert pair.stats(CLIENT, "calls")["lost"] >= 2


def test_synack(pair):
    """Its client runs no program at all."""
    drop(pair, CLIENT)
    pair.attach(SERVER, "calls", **template(4, ON_SYNACK | ON_DATA, LISTEN))
    pair.connect().download(1000)
    segments = pair.finish()
    # A second one without, as the client's SYN is sent again at about the same time.
    assert flags_of(segments, SERVER, SYN | ACK) in ([True, False], [True, False, False])
    assert not any(s.option(KIND) for s in sent(segments, SERVER, without=SYN))
    assert pair.counter(SERVER, "Lost") == 1 and pair.stats(SERVER, "calls")["lost"] == 1

    def without():
        pair.server.close(pair.listener)
        pair.connect().download(1000)
        return flags_of(pair.finish(), SERVER, SYN | ACK) == [False]
    assert any(without() for _ in range(3))


def test_a_listener_that_waits_for_data(pair4):
    """Its SYN-ACK arrived: what it did not take is the ACK."""
    pair4.attach(SERVER, "calls", **template(4, ON_SYNACK | ON_DATA, LISTEN))
    pair4.listen([(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)])
    pair4.out = pair4.client.connect(ADDRESS[4][SERVER], PORT)
    eventually(lambda: retransmitted(pair4, SERVER), "a second SYN-ACK")
    pair4.client.start("send", pair4.out, 1000)
    pair4.inn = pair4.server.accept(pair4.listener)
    assert pair4.server.recv(pair4.inn, 1000) and pair4.client.wait() == 1000
    pair4.download(1000)
    segments = pair4.finish()
    handshake = flags_of(segments, SERVER, SYN | ACK)
    assert handshake[0] and len(handshake) > 1 and not any(handshake[1:])
    assert all(flags_of([s for s in segments if s.payload], SERVER, without=SYN, want=0))
    assert pair4.counter(SERVER, "Lost") == 0 and pair4.stats(SERVER, "calls")["lost"] == 0


@pytest.mark.parametrize("name, where", [(CLIENT, (ON_SYN | ON_DATA, CONNECT)),
                                         (SERVER, (ON_SYNACK | ON_DATA, LISTEN))])
def test_a_long_round_trip_is_not_taken_for_it(pair4, name, where):
    """The handshake's timer expires before an answer can be there."""
    # Where it comes back: what still waits in a host is not sent again.
    pair4.hosts.netem(CLIENT if name == SERVER else SERVER, "delay", "1500ms")
    pair4.attach(name, "calls", **template(4, *where))
    pair4.connect()
    {CLIENT: pair4.upload, SERVER: pair4.download}[name](1000)
    segments = pair4.finish()
    handshake = flags_of(segments, name, SYN)
    assert handshake[0] and len(handshake) > 1 and not any(handshake[1:])
    data = sent(segments, name, payload=True)
    assert data and all(s.option(KIND) for s in data)
    assert pair4.counter(name, "Lost") == 0 and pair4.stats(name, "calls")["lost"] == 0


def test_first_data(pair):
    """Lost with it twice, sent without it then."""
    drop(pair, SERVER)
    pair.attach(CLIENT, "calls", **template(4, ON_DATA | UNTIL_ACKED, ESTABLISHED))
    pair.connect().upload(1000)
    pair.upload(1000)
    segments = pair.finish()
    data = sent(segments, CLIENT, payload=True)
    carried = [bool(s.option(KIND)) for s in data]
    # A tail loss probe may be among those with it.
    assert carried.index(False) in (2, 3) and not any(carried[carried.index(False):])
    assert pair.counter(CLIENT, "Lost") == 1 and pair.stats(CLIENT, "calls")["lost"] == 1


def test_an_outage_is_not_taken_for_it(pair):
    """More than one without was lost, too: the option goes on."""
    pair.attach(CLIENT, "calls", **template(4, ON_DATA, ESTABLISHED))
    pair.connect().upload(1000)
    drop(pair, SERVER, f"tcp dport {PORT} drop")
    pair.client.send(pair.out, 1000)
    eventually(lambda: pair.hosts.counter(CLIENT, "TCPTimeouts") >= 5, "timeouts", 60)
    heal(pair)
    assert pair.server.recv(pair.inn, 1000)
    pair.upload(1000)
    data = sent(pair.finish(), CLIENT, payload=True)
    assert data[-1].option(KIND) and not all(s.option(KIND) for s in data)
    assert pair.counter(CLIENT, "Lost") == 0 and pair.stats(CLIENT, "calls")["lost"] == 0


def test_a_program_knows_a_retransmission(pair4):
    pair4.attach(CLIENT, "calls", head=head(), flags_at=ESTABLISHED, flags=WRITE, store_size=4)
    pair4.connect()
    drop(pair4, SERVER, f"tcp dport {PORT} tcp flags & psh == psh drop")
    pair4.client.send(pair4.out, 1000)
    eventually(lambda: pair4.stats(CLIENT, "calls")["sized_again"] >= 1, "a retransmission")
    heal(pair4)
    assert pair4.server.recv(pair4.inn, 1000)
    pair4.finish()
    assert pair4.stats(CLIENT, "calls")["room_wrong"] == 0
