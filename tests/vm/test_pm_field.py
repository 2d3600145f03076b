# SPDX-License-Identifier: GPL-2.0-or-later
"""Path managers where networks are not kept in order: what was seen in the field."""
import signal
import time

import pytest

from mptcp import counter, subflows
from net import CLIENT, SERVER, eventually, run
from paths import MP_JOIN, address, on

NO_MORE = {"retry": 600_000, "retry_max": 600_000}
SYN = "tcp flags & (syn|ack) == syn"


def pairs(client, server=(0,)):
    """Of addresses of the client, or their paths, with those of the server."""
    return [(here if isinstance(here, str) else address(4, here, CLIENT), address(4, there, SERVER))
            for here in client for there in server]


@pytest.fixture
def second_nic(mptcp4):
    """eth1b beside the client's eth1, in the same network."""
    run("ip", "link", "add", "eth1b", "netns", CLIENT, "type", "veth",
        "peer", "name", "eth1b", "netns", SERVER)
    for name in (CLIENT, SERVER):
        run("ip", "-n", name, "link", "set", "eth1b", "up")
    yield "eth1b"
    run("ip", "-n", CLIENT, "link", "del", "eth1b")


def through(path, interface):
    """The client's way from that path's address, and the way back."""
    here = address(4, path, CLIENT)
    run("ip", "-n", CLIENT, "route", "replace", "default", "via", address(4, path, SERVER), "dev",
        interface, "table", str(100 + path))
    run("ip", "-n", SERVER, "route", "replace", f"{here}/32", "dev", interface)


def ports(session, source):
    return {sf.lport for sf in session.subflows(CLIENT) if sf.local == source}


def test_an_address_moves_to_another_interface(mptcp4, second_nic):
    """It is there before it goes from the first one."""
    moving = address(4, 1, CLIENT)
    mptcp4.attach(CLIENT, "fullmesh", **NO_MORE)
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, pairs((0, 1)))
    before = ports(session, moving)
    mptcp4.paths.undo.append(lambda: mptcp4.paths.restore(CLIENT, 4, 1))
    run("ip", "-n", CLIENT, "addr", "add", f"{moving}/24", "dev", second_nic)
    run("ip", "-n", CLIENT, "addr", "del", f"{moving}/24", "dev", "eth1")
    through(1, second_nic)
    eventually(lambda: (now := ports(session, moving)) and not now & before, "subflows by eth1b")
    session.wait_pairs(CLIENT, pairs((0, 1)))
    session.download(100_000)
    session.close()


def test_an_interface_is_made_again_without_the_daemon(mptcp4, second_nic):
    """What it listed is out of date: the index is another one."""
    mptcp4.attach(CLIENT, "fullmesh", retry=100, retry_max=1000)
    run("ip", "-n", CLIENT, "addr", "add", "10.9.1.7/32", "dev", second_nic)
    run("ip", "-n", SERVER, "route", "replace", "10.9.1.7/32", "dev", second_nic)
    run("ip", "-n", CLIENT, "route", "replace", address(4, 0, SERVER), "dev", second_nic, "table", "107")
    run("ip", "-n", CLIENT, "rule", "add", "from", "10.9.1.7", "table", "107")
    mptcp4.paths.undo.append(lambda: run("ip", "-n", CLIENT, "rule", "del", "from", "10.9.1.7"))
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, pairs((0, 1, "10.9.1.7")))
    before = ports(session, "10.9.1.7")
    mptcp4.loader.stop(signal.SIGKILL)
    run("ip", "-n", CLIENT, "link", "del", second_nic)
    run("ip", "link", "add", second_nic, "netns", CLIENT, "type", "veth",
        "peer", "name", second_nic, "netns", SERVER)
    for name in (CLIENT, SERVER):
        run("ip", "-n", name, "link", "set", second_nic, "up")
    run("ip", "-n", CLIENT, "addr", "add", "10.9.1.7/32", "dev", second_nic)
    run("ip", "-n", SERVER, "route", "replace", "10.9.1.7/32", "dev", second_nic)
    run("ip", "-n", CLIENT, "route", "replace", address(4, 0, SERVER), "dev", second_nic, "table", "107")
    eventually(lambda: (now := ports(session, "10.9.1.7")) and not now & before, "a new subflow")
    mptcp4.loader.start()
    session.exchange()
    session.close()


def test_the_only_address_is_replaced_by_another(mptcp4):
    """Nothing can be told of it until there is another subflow."""
    mptcp4.attach(CLIENT, "fullmesh", interfaces="eth0")
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, pairs((0,)))
    withdrawn = counter(SERVER, "RmAddr")
    mptcp4.paths.del_address(CLIENT, address(4, 0, CLIENT), 0)
    eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["local_gone"] == 1, "it is gone")
    mptcp4.paths.add_address(CLIENT, "10.9.0.7", 0)
    session.wait_pairs(CLIENT, pairs(("10.9.0.7",)))
    eventually(lambda: counter(SERVER, "RmAddr") > withdrawn, "RM_ADDR")
    session.wait_subflows(SERVER, 1)
    session.download(100_000)
    session.close()


def test_a_silent_path_heals(mptcp4):
    """An attempt ends before its own waits grow, and the next one is due in `retry_max`."""
    mptcp4.attach(CLIENT, "fullmesh", retry=200, retry_max=1000)
    mptcp4.paths.nft(SERVER, f"iifname eth1 {SYN} drop")
    session = mptcp4.connect()
    eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["failed"] >= 3, "attempts in vain", 60)
    on(SERVER, "nft", "flush chain inet t c")
    session.wait_pairs(CLIENT, pairs((0, 1)), timeout=15)
    session.close()


def test_a_deprecated_address_keeps_its_subflows(mptcp4):
    """And gets none that is new (RFC 4862, section 5.5.4)."""
    kind = {"kind": "ipv6"}
    mptcp4.attach(CLIENT, "fullmesh")
    old = address(6, 1, CLIENT)
    both = [(address(6, path, CLIENT), address(6, 0, SERVER)) for path in (0, 1)]
    session = mptcp4.connect(**kind)
    eventually(lambda: set(both) <= {sf.pair for sf in session.subflows(CLIENT)}, "both")
    flows = {sf.lport for sf in session.subflows(CLIENT)}
    mptcp4.paths.undo.append(lambda: run("ip", "-n", CLIENT, "addr", "change", f"{old}/64", "dev",
                                         "eth1", "preferred_lft", "forever"))
    run("ip", "-n", CLIENT, "addr", "change", f"{old}/64", "dev", "eth1", "preferred_lft", "0")

    def listed():
        entry = mptcp4.loader.entry("fullmesh", mptcp4.cgroups[CLIENT])
        return [a for netns in entry["local_addrs"]["netns"] for a in netns["addresses"]
                if a["deprecated"] and a["address"] == old]
    eventually(listed, "marked as such")
    later = mptcp4.connect(port=7200, **kind)
    eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["sessions"] == 2, "another session")
    later.exchange()
    assert {sf.lport for sf in session.subflows(CLIENT)} == flows
    assert not [sf for sf in later.subflows(CLIENT) if sf.local == old]
    for one in (session, later):
        one.close()


def test_the_servers_first_address_is_withdrawn(mptcp4):
    """It is looked for now and then, not all the time."""
    mptcp4.attach(SERVER, "fullmesh", announce=1)
    mptcp4.attach(CLIENT, "fullmesh", retry=50, retry_max=600_000)
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, pairs((0, 1), (0, 1)))
    mptcp4.paths.del_address(SERVER, address(4, 0, SERVER), 0)
    session.wait_pairs(CLIENT, pairs((0, 1), (1,)))
    before, end = counter(CLIENT, "MPJoinSynTx"), time.monotonic() + 5
    eventually(lambda: time.monotonic() > end, "some time")
    assert counter(CLIENT, "MPJoinSynTx") <= before + 4
    session.exchange()
    session.close()


def test_a_refusal_that_is_over(mptcp4):
    """A peer that is short of room says that it does not want any, until it has some."""
    mptcp4.paths.limits(SERVER, subflows=1)
    mptcp4.paths.add_address(CLIENT, "10.9.0.7", 0)
    mptcp4.attach(CLIENT, "fullmesh", retry=50, retry_max=100, prohibited=1)
    session = mptcp4.connect()
    eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["prohibited"] >= 2, "refused twice")
    session.wait_pairs(CLIENT, pairs((0, "10.9.0.7")))
    mptcp4.paths.del_address(CLIENT, "10.9.0.7", 0)
    session.wait_pairs(CLIENT, pairs((0, 1)))
    session.close()


@pytest.fixture
def elsewhere(request, mptcp4):
    """The server takes no join where it was called, and announces where it does."""
    port = 5001 + len(request.node.name)  # the listener of another test may be there yet
    mptcp4.hosts.sysctl(SERVER, "net.mptcp.allow_join_initial_addr_port", 0)
    mptcp4.paths.endpoint(SERVER, address(4, 1, SERVER), "port", str(port), "signal")
    return address(4, 1, SERVER), port


def test_ndiffports_where_the_peer_takes_joins(mptcp4, elsewhere):
    mptcp4.attach(CLIENT, "ndiffports", subflows=3)
    session = mptcp4.connect()
    there, port = elsewhere
    eventually(lambda: [sf.remote for sf in subflows(CLIENT, port)] == [there] * 2, "two of them")
    assert [sf.initial for sf in session.subflows(CLIENT)] == [True]
    session.download(100_000)
    session.close()


def test_refresh_where_the_peer_takes_joins(mptcp4, elsewhere):
    mptcp4.attach(CLIENT, "refresh", min=50)
    session = mptcp4.connect()
    session.kill(SERVER, session.wait_subflows(SERVER, 1)[0])
    there, port = elsewhere
    eventually(lambda: [sf.remote for sf in subflows(CLIENT, port)] == [there], "the replacement")
    assert not session.subflows(CLIENT)
    session.download(100_000)
    session.close()


def test_addresses_that_a_peer_must_not_announce(mptcp4):
    """Nor may one at a public address point at those of this end's own network."""
    public = {CLIENT: "203.0.113.1", SERVER: "203.0.113.2"}
    for name, there in public.items():
        mptcp4.paths.undo.append(lambda name=name, there=there: run(
            "ip", "-n", name, "addr", "del", f"{there}/24", "dev", "eth0"))
        run("ip", "-n", name, "addr", "add", f"{there}/24", "dev", "eth0")
    for announced in ("127.0.0.5", "169.254.9.9", "10.9.1.2", "192.0.2.5"):
        mptcp4.paths.endpoint(SERVER, announced, "signal")
    mptcp4.paths.wire.begin()
    for fields in ({}, {"follow_private": 1}):
        mptcp4.attach(CLIENT, "fullmesh", interfaces="eth0", **fields)
        session = mptcp4.connect(address=public[SERVER], port=7300 + len(fields))
        told = 3 if not fields else 2
        eventually(lambda n=told: mptcp4.stats(CLIENT, "fullmesh")["not_followed"] == n, "told")
        eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["remote"] == 4 - told, "the others")
        session.exchange()
        session.close()
        mptcp4.loader.tell("detach", "fullmesh", mptcp4.cgroups[CLIENT])
    asked = {p.dst for p in mptcp4.paths.wire.with_option(MP_JOIN) if p.flags == 2}
    assert not asked & {"127.0.0.5", "169.254.9.9"} and "10.9.1.2" in asked


def test_a_peer_that_announces_without_end(mptcp4):
    """Each address would be worth a SYN, wherever it is."""
    mptcp4.paths.undo.append(lambda: run("ip", "-n", SERVER, "mptcp", "endpoint", "flush"))
    mptcp4.attach(CLIENT, "fullmesh", interfaces="eth0")
    session = mptcp4.connect()

    def heard():
        stats = mptcp4.stats(CLIENT, "fullmesh")
        return stats["remote"] + stats["not_followed"]
    for n in range(1, 21):
        run("ip", "-n", SERVER, "mptcp", "endpoint", "add", f"192.0.2.{n}", "signal")
        eventually(lambda n=n: heard() == n, f"{n} addresses")
        run("ip", "-n", SERVER, "mptcp", "endpoint", "flush")
        eventually(lambda n=n: mptcp4.stats(CLIENT, "fullmesh")["remote_gone"] ==
                   mptcp4.stats(CLIENT, "fullmesh")["remote"], "withdrawn")
    assert mptcp4.stats(CLIENT, "fullmesh")["not_followed"] >= 2
    session.exchange()
    session.close()


def test_a_priority_that_is_lost(mptcp4):
    """Neither end would ever know that the other one thinks otherwise."""
    mptcp4.attach(CLIENT, "fullmesh", **NO_MORE)
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, pairs((0, 1)))
    second = address(4, 1, CLIENT)

    def agreed(backup):
        return all(sf.peer_backup == (backup and sf.remote == second)
                   for sf in session.subflows(SERVER))
    assert agreed(False)
    mptcp4.paths.nft(SERVER, "iifname eth1 counter drop")
    mptcp4.set(CLIENT, "fullmesh", backup="eth1")
    eventually(lambda: mptcp4.stats(CLIENT, "fullmesh")["priority"] == 1, "it is sent")
    eventually(lambda: "packets 0" not in on(SERVER, "nft", "list", "ruleset"), "and lost")
    on(SERVER, "nft", "flush chain inet t c")
    eventually(lambda: agreed(True), "the server knows, too")
    session.exchange()
    session.close()


def test_a_withdrawal_that_is_lost(mptcp4):
    """The next address has an id of its own, and the peer hears in the end what is gone."""
    mptcp4.attach(SERVER, "fullmesh", announce=1)
    mptcp4.attach(CLIENT, "fullmesh", **NO_MORE)
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, pairs((0, 1), (0, 1)))
    # Nothing is forwarded of what the server has to say.
    mptcp4.paths.nft(CLIENT, "counter drop")
    mptcp4.paths.del_address(SERVER, address(4, 1, SERVER), 1)
    eventually(lambda: mptcp4.stats(SERVER, "fullmesh")["withdrawn"] == 1, "it is sent")
    eventually(lambda: "packets 0" not in on(CLIENT, "nft", "list", "ruleset"), "and lost")
    on(CLIENT, "nft", "flush chain inet t c")
    assert len(session.subflows(CLIENT)) == 4
    mptcp4.paths.add_address(SERVER, "10.9.1.7", 1)
    new = [(address(4, here, CLIENT), "10.9.1.7") for here in (0, 1)]
    session.wait_pairs(CLIENT, pairs((0, 1)) + new)
    session.exchange()
    session.close()


def test_an_address_before_its_route(mptcp4):
    """As DHCP has it: nobody asks for the peer's link-layer address meanwhile."""
    mptcp4.attach(CLIENT, "fullmesh", **NO_MORE)
    early = "10.9.7.7"
    session = mptcp4.connect()
    session.wait_pairs(CLIENT, pairs((0, 1)))
    # As a router: who asks here for the peer's address gets no answer.
    mptcp4.paths.sysctl(SERVER, "net.ipv4.conf.eth1.arp_ignore", 1)
    run("ip", "-n", SERVER, "route", "add", f"{early}/32", "dev", "eth1")
    run("ip", "-n", CLIENT, "addr", "add", f"{early}/32", "dev", "eth1")
    try:
        eventually(lambda: early in str(mptcp4.loader.entry("fullmesh", mptcp4.cgroups[CLIENT])),
                   "it is listed")
        run("ip", "-n", CLIENT, "rule", "add", "from", early, "table", "101")
        session.wait_pairs(CLIENT, pairs((0, 1, early)))
        assert mptcp4.stats(CLIENT, "fullmesh")["failed"] == 0
    finally:
        run("ip", "-n", CLIENT, "rule", "del", "from", early, check=False)
        run("ip", "-n", CLIENT, "addr", "del", f"{early}/32", "dev", "eth1")
        run("ip", "-n", SERVER, "route", "del", f"{early}/32")
    session.exchange()
    session.close()
