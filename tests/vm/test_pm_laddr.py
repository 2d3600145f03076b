# SPDX-License-Identifier: GPL-2.0-or-later
"""Claimed sessions are told of local addresses that come and go."""
import probe as pm
from net import CLIENT, SERVER, eventually, run
from paths import SECOND, ifindex


def heard(probe, op, addr):
    return [e for e in probe.events(op) if str(e.subflow.local.address) == addr]


def wait_heard(probe, op, addr, number=1):
    eventually(lambda: len(heard(probe, op, addr)) >= number, f"{op:#x} of {addr}")
    return heard(probe, op, addr)[-1]


def test_address_of_ipv4(mptcp4):
    """At both ends, each of its own, and in unclaimed sessions not."""
    client, server = mptcp4.probe(CLIENT), mptcp4.probe(SERVER, claim_at=0)
    session = mptcp4.connect()
    mptcp4.paths.add_address(CLIENT, "10.9.1.8", 1)
    event = wait_heard(client, pm.LADDR_UP, "10.9.1.8")
    assert event.args[:2] == [2, ifindex(CLIENT, "eth1")] and event.walked == 1
    assert client.now(pm.OPEN, src=pm.sockaddr("10.9.1.8")) == 0
    session.wait_subflows(CLIENT, 2)
    mptcp4.paths.del_address(CLIENT, "10.9.1.8", 1)
    wait_heard(client, pm.LADDR_DOWN, "10.9.1.8")
    mptcp4.paths.add_address(SERVER, "10.9.1.9", 1)
    assert not heard(client, pm.LADDR_UP, "10.9.1.9")
    assert not server.events(pm.LADDR_UP)
    session.exchange()


def test_address_of_ipv6_once_it_is_unique(mptcp):
    """Not while others could still object."""
    client = mptcp.probe(CLIENT)
    mptcp.connect()
    mptcp.paths.add_address(CLIENT, "fd09:1::8", 1)
    event = wait_heard(client, pm.LADDR_UP, "fd09:1::8")
    assert event.args[0] == 10
    assert "tentative" not in run("ip", "-6", "-n", CLIENT, "address", "show", "dev", "eth1",
                                  "to", "fd09:1::8")
    mptcp.paths.del_address(CLIENT, "fd09:1::8", 1)
    wait_heard(client, pm.LADDR_DOWN, "fd09:1::8")


def test_interface_down_and_up(mptcp4):
    """Its addresses stay, but cannot be used."""
    client, server = mptcp4.probe(CLIENT), mptcp4.probe(SERVER)
    session = mptcp4.connect()
    mptcp4.paths.link(CLIENT, 1, "down")
    for family in (4, 6):
        wait_heard(client, pm.LADDR_DOWN, SECOND[family][CLIENT])
        # The other end of the cable has no carrier then.
        wait_heard(server, pm.LADDR_DOWN, SECOND[family][SERVER])
    mptcp4.paths.link(CLIENT, 1, "up")
    for family in (4, 6):
        wait_heard(client, pm.LADDR_UP, SECOND[family][CLIENT])
        wait_heard(server, pm.LADDR_UP, SECOND[family][SERVER])
    session.exchange()
