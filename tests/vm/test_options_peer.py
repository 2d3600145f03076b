# SPDX-License-Identifier: GPL-2.0-or-later
"""What a peer may do to the options of programs."""
import pytest

from net import ACK, ADDRESS, SERVER, SYN, eventually
from pair import PORT, experiment
from rawtcp import MSS, RawPeer
from test_options import KIND, LISTEN, ON_SYNACK, head, template

EXID = 0xbeef


@pytest.mark.parametrize("other", [bytes([253, 2]), bytes([253, 3, 7]), experiment(0x1234, b"ab")],
                         ids=["empty", "short", "another"])
def test_one_of_the_same_kind_hides_none(pair4, other):
    """Experiments share a kind; a copy is one of the same experiment."""
    pair4.attach(SERVER, "calls", head=head(253, 0xbe, 0xef), watch_at=LISTEN, watch_kind=253,
                 watch_exid=EXID)
    mine = experiment(EXID)
    raw = pair4.connect_raw(syn=other + mine)
    raw.data(options=other + mine + other)
    stats = pair4.stats(SERVER, "calls")
    assert stats["parsed"] == 2 and stats["parsed_again"] == 0
    raw.data(options=mine + other + mine)
    assert pair4.stats(SERVER, "calls")["parsed_again"] == 1


def test_a_full_accept_queue_is_not_taken_for_loss(pair4):
    """The SYN-ACK arrived, what the server did not take is the ACK."""
    pair4.hosts.sysctl(SERVER, "net.core.somaxconn", 1)
    pair4.attach(SERVER, "calls", **template(4, ON_SYNACK, LISTEN))
    pair4.listen()
    raw = RawPeer(pair4.hosts, PORT)
    raw.send(SYN, MSS)
    raw.receive(lambda flags, _, __: flags & SYN)
    with_it = template_of(raw)
    assert with_it
    for _ in range(2):
        pair4.client.connect(ADDRESS[4][SERVER], PORT)
    raw.send(ACK)
    eventually(lambda: pair4.hosts.counter(SERVER, "ListenOverflows"), "a full queue")
    for _ in range(2):
        pair4.server.accept(pair4.listener)
    raw.receive(lambda flags, _, __: flags & SYN)
    assert not template_of(raw), "sent again without it"
    raw.send(ACK)
    pair4.server.accept(pair4.listener)
    raw.data()
    assert pair4.counter(SERVER, "Lost") == 0 and pair4.stats(SERVER, "calls")["lost"] == 0
    raw.renew()
    raw.send(SYN, MSS)
    raw.receive(lambda flags, _, __: flags & SYN)
    assert template_of(raw) == with_it


def template_of(raw):
    """The last option of a SYN-ACK, if it is the program's."""
    return raw.options[-4:] if raw.options[-4:-3] == bytes([KIND]) else b""
