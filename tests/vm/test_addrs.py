# SPDX-License-Identifier: GPL-2.0-or-later
"""Local addresses of a program, judged by what bpftool finds in its map."""
import json
import os
import signal
import subprocess
import sys

import pytest

from addrs import ADDRS_MAX, DEPRECATED, Space, attach
from net import eventually, run
from peer import Sockets
from test_loader import bpftool, refused

ARPHRD_ETHER = 1
# Joins the cgroup, enters the namespace and connects to itself without an end.
HAMMER = """
import ctypes, os, socket, sys
open(sys.argv[1] + '/cgroup.procs', 'w').write('0')
assert ctypes.CDLL(None).setns(os.open('/run/netns/' + sys.argv[2], os.O_RDONLY), 0) == 0
listener = socket.create_server(('127.0.0.1', 0))
while True:
    socket.create_connection(listener.getsockname()).close()
    listener.accept()[0].close()
    print('.', flush=True)
"""


@pytest.fixture
def make_space(make_cgroup):
    """Depends on the cgroups, so that the processes end before they are removed."""
    made = []

    def make(name="one"):
        made.append(Space(f"addrs-{name}-{os.getpid()}-{len(made)}"))
        return made[-1]

    yield make
    for space in made:
        space.remove()


@pytest.fixture
def space(make_space):
    return make_space()


@pytest.fixture
def one(loader, cgroup, space):
    """Attached while a process is in a namespace that has two addresses: (told, its cookie)."""
    space.link("a0", "10.1.0.1/24", "fd01::1/64")
    cookie = space.peer(cgroup).netns_cookie()
    told = attach(loader, cgroup)
    assert told.addresses(cookie) == ["10.1.0.1", "fd01::1"]
    return told, cookie


def test_the_map_is_filled_before_the_program_runs(loader, cgroup, space):
    space.link("a0", "10.1.0.1/24")
    hammer = subprocess.Popen([sys.executable, "-c", HAMMER, str(cgroup), space.name],
                              stdout=subprocess.PIPE)
    try:
        assert hammer.stdout.read(1) == b"."
        told = attach(loader, cgroup)
        eventually(lambda: told.stats()["known"] > 10, "connections")
        assert told.stats()["unknown"] == 0
    finally:
        hammer.kill()
        hammer.wait()


def test_entries_say_interface_type_and_order(loader, cgroup, space):
    for index, name in ((20, "z0"), (10, "a0")):
        space.ip("link", "add", name, "index", str(index), "type", "dummy")
        space.ip("link", "set", name, "addrgenmode", "none", "up")
    space.address("add", "10.20.0.1/24", "z0")
    space.address("add", "fd0a::1/64", "a0")
    space.address("add", "10.10.0.1/24", "a0")
    cookie = space.peer(cgroup).netns_cookie()
    told = attach(loader, cgroup)
    assert told.all() == {cookie: (0, [(10, "10.10.0.1", ARPHRD_ETHER, 0),
                                       (10, "fd0a::1", ARPHRD_ETHER, 0),
                                       (20, "10.20.0.1", ARPHRD_ETHER, 0)])}


def test_addresses_come_and_go(one, space):
    told, cookie = one
    walks = told.stats()["walks"]
    space.address("add", "10.1.0.2/24", "a0")
    told.soon(cookie, "10.1.0.1", "10.1.0.2", "fd01::1")
    eventually(lambda: told.stats()["walks"] == walks + 1, "a walk of the iterator")
    space.address("del", "10.1.0.2/24", "a0")
    told.soon(cookie, "10.1.0.1", "fd01::1")
    space.address("del", "fd01::1/64", "a0")
    told.soon(cookie, "10.1.0.1")
    # What changes nothing of them is not told.
    eventually(lambda: told.stats()["walks"] == walks + 3, "walks of the iterator")
    space.ip("link", "set", "a0", "mtu", "1400")
    space.address("add", "10.1.0.3/24", "a0")
    told.soon(cookie, "10.1.0.1", "10.1.0.3")
    eventually(lambda: told.stats()["walks"] == walks + 4, "one more walk")


def test_interfaces_go_down_and_up(one, space):
    told, cookie = one
    space.ip("link", "set", "a0", "down")
    told.soon(cookie)
    space.ip("link", "set", "a0", "up")
    told.soon(cookie, "10.1.0.1", "fd01::1")


def test_the_carrier_is_lost_and_found(one, space):
    told, cookie = one
    run("ip", "link", "set", space.far["a0"], "down")
    told.soon(cookie)
    run("ip", "link", "set", space.far["a0"], "up")
    told.soon(cookie, "10.1.0.1", "fd01::1")


def test_an_interface_is_renamed(one, space):
    told, cookie = one
    space.link("b0", "10.2.0.1/24")
    told.set("interfaces=a*,lo")
    told.soon(cookie, "10.1.0.1", "fd01::1")
    space.ip("link", "set", "a0", "name", "c0")
    told.soon(cookie)
    space.ip("link", "set", "b0", "name", "ab")
    told.soon(cookie, "10.2.0.1")
    eventually(lambda: told.listed()["netns"][0]["addresses"][0]["interface"] == "ab", "its name")


def test_lists_choose_interfaces(one, space):
    told, cookie = one
    space.link("b0", "10.2.0.1/24")
    space.link("b1", "10.3.0.1/24")
    told.soon(cookie, "10.1.0.1", "fd01::1", "10.2.0.1", "10.3.0.1")
    walks = told.stats()["walks"]
    told.set("except=b[0-9]")
    assert told.addresses(cookie) == ["10.1.0.1", "fd01::1"]
    assert told.stats()["walks"] > walks
    told.set("except=a0,b1", "backup=b?")
    assert told.addresses(cookie) == told.marked(cookie) == ["10.2.0.1"]
    told.set("except=", "interfaces=b*,a1")
    assert told.addresses(cookie) == told.marked(cookie) == ["10.2.0.1", "10.3.0.1"]
    told.set("interfaces=", "backup=b1")
    assert told.addresses(cookie) == ["10.1.0.1", "fd01::1", "10.2.0.1", "10.3.0.1"]
    assert told.marked(cookie) == ["10.3.0.1"]
    params = told.loader.params("addrs", told.cgroup)
    assert params == {"interfaces": [], "except": [], "backup": ["b1"], "include": [],
                      "prefix": [], "noprefix": []}


def test_bad_lists_are_refused_in_one_line(one):
    told, cookie = one
    for words, setting in [
            (["'a/b'", "no interface has '/'", "eth*"], "except=eth0,a/b"),
            (["has 16 bytes", "at most 15"], "interfaces=abcdefghijklmnop"),
            (["bracket that is not closed", "eth[0-3]"], "backup=eth[0"),
            (["a0 is given twice"], "backup=a0,a0"),
            (["these are 65 interfaces", "at most 64"],
             "backup=" + ",".join(f"i{n}" for n in range(65))),
            (["'multicast' is not a kind of address", "tentative, deprecated, link-local"],
             "include=loopback,multicast")]:
        refused(told.loader.ctl("set", "addrs", "--cgroup", told.cgroup, setting), *words)
    assert told.addresses(cookie) == ["10.1.0.1", "fd01::1"]


def test_kinds_of_addresses_are_left_out_unless_asked_for(one, space):
    told, cookie = one
    space.sysctl("net.ipv6.conf.a0.dad_transmits=600")
    space.address("add", "fd01::dad/64", "a0", "dad")
    space.address("add", "fd01::de/64", "a0", "preferred_lft", "0")
    space.address("add", "10.1.0.222/24", "a0", "preferred_lft", "0")
    space.address("add", "fe80::1/64", "a0")
    space.address("add", "169.254.7.7/16", "a0")
    space.address("add", "192.0.2.1/32", "lo")
    # The last one: when it is there, those before were looked at.
    space.address("add", "10.1.0.9/24", "a0")
    # Deprecated ones are told, and marked unless they are asked for.
    old = {"fd01::de", "10.1.0.222"}
    there = {"10.1.0.1", "10.1.0.9", "fd01::1"} | old
    eventually(lambda: set(told.addresses(cookie)) == there, "those that can be used")
    assert set(told.marked(cookie, DEPRECATED)) == old
    for kind, addresses in [("tentative", {"fd01::dad"}),
                            ("deprecated", set()),
                            ("link-local", {"fe80::1", "169.254.7.7"}),
                            ("loopback", {"127.0.0.1", "::1", "192.0.2.1"})]:
        told.set(f"include={kind}")
        assert set(told.addresses(cookie)) == there | addresses, kind
        assert set(told.marked(cookie, DEPRECATED)) == (set() if kind == "deprecated" else old)
    told.set("include=tentative,link-local")
    assert told.loader.params("addrs", told.cgroup)["include"] == ["tentative", "link-local"]


def test_an_address_is_told_when_it_is_known_to_be_unique(one, space):
    told, cookie = one
    space.address("add", "fd01::2/64", "a0", "dad")
    eventually(lambda: set(told.addresses(cookie)) == {"10.1.0.1", "fd01::1", "fd01::2"}, "all")


def test_more_addresses_than_there_is_room_for(one, space):
    told, cookie = one
    for host in range(2, 21):
        space.address("add", f"10.1.0.{host}/24", "a0")
    eventually(lambda: told.all()[cookie][0] == 21 - ADDRS_MAX, "those that are left out")
    # Whoever was there first stays.
    assert told.addresses(cookie) == [
        *(f"10.1.0.{host}" for host in range(1, ADDRS_MAX)), "fd01::1"]


def test_a_namespace_is_found_when_a_connection_asks_for_it(loader, cgroup, space, make_space):
    """While nobody is in the cgroup, there is that of the daemon."""
    told = attach(loader, cgroup)
    assert list(told.all()) == [Sockets.netns_cookie()]
    space.link("a0", "10.1.0.1/24")
    peer = space.peer(cgroup)
    cookie = peer.netns_cookie()
    listener = peer.listen("127.0.0.1", 7000)
    peer.connect("127.0.0.1", 7000)
    told.soon(cookie, "10.1.0.1")
    assert told.stats()["unknown"] == 1
    eventually(lambda: told.stats()["walks"] == 1, "a walk of the iterator")
    peer.connect("127.0.0.1", 7000)
    assert told.stats()["known"] == 1 and listener
    eventually(lambda: list(told.all()) == [cookie], "only that one")
    # And one more, in a cgroup below.
    below = cgroup / "below"
    below.mkdir()
    other = make_space("two")
    other.link("a0", "10.2.0.1/24")
    second = other.peer(below)
    second.listen("127.0.0.1", 7000)
    second.connect("127.0.0.1", 7000)
    told.soon(second.netns_cookie(), "10.2.0.1")
    assert set(told.all()) == {cookie, second.netns_cookie()}
    second.stop()
    eventually(lambda: set(told.all()) == {cookie}, "only the first one")
    eventually(lambda: not (below / "cgroup.procs").read_text(), "an empty cgroup")
    below.rmdir()


def test_a_namespace_is_let_go(loader, cgroup, make_space):
    """It vanishes when its last process has: the daemon does not keep it alive."""
    space = make_space()
    space.link("a0", "10.1.0.1/24")
    peer = space.peer(cgroup)
    told = attach(loader, cgroup)
    assert list(told.all()) == [peer.netns_cookie()]
    far = space.far["a0"]
    run("umount", "--lazy", f"/run/netns/{space.name}")  # as `ip netns del` does
    assert far in run("ip", "link")
    peer.stop()
    eventually(lambda: list(told.all()) == [Sockets.netns_cookie()], "that of the daemon")
    eventually(lambda: far not in run("ip", "link"), "the end of the namespace")


def test_a_namespace_stays_for_its_connections(one, cgroup, space):
    told, cookie = one
    peer = space.peers[0]
    peer.listen("127.0.0.1", 7000)
    connection = peer.connect("127.0.0.1", 7000)
    accepted = peer.accept(1)
    peer.join("/sys/fs/cgroup")
    told.set("backup=")  # looks for processes
    assert list(told.all()) == [cookie]
    space.address("add", "10.1.0.2/24", "a0")
    told.soon(cookie, "10.1.0.1", "10.1.0.2", "fd01::1")
    peer.close(accepted)
    peer.close(connection)
    eventually(lambda: list(told.all()) == [Sockets.netns_cookie()], "that of the daemon")


def test_a_namespace_is_let_go_that_its_process_has_left(loader, cgroup, space, make_space):
    """Nothing tells the daemon: the process lives on, elsewhere, or in another cgroup."""
    peer = space.peer(cgroup)
    told = attach(loader, cgroup)
    assert list(told.all()) == [peer.netns_cookie()]
    other = make_space("two")
    second = other.peer(cgroup)
    told.set("backup=")
    assert set(told.all()) == {peer.netns_cookie(), second.netns_cookie()}
    peer.join("/sys/fs/cgroup")
    eventually(lambda: list(told.all()) == [second.netns_cookie()], "the other one", timeout=60)


@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed"])
def test_a_successor_makes_the_map_true(one, cgroup, space, make_space, changed):
    told, cookie = one
    peer = make_space("late").peer(cgroup)
    walks = told.stats()["walks"]
    told.loader.stop(signal.SIGKILL)
    if changed:
        space.address("add", "10.1.0.2/24", "a0")
        space.address("del", "fd01::1/64", "a0")
        assert told.addresses(cookie) == ["10.1.0.1", "fd01::1"]
    told.loader.start()
    assert told.addresses(cookie) == (["10.1.0.1", "10.1.0.2"] if changed
                                      else ["10.1.0.1", "fd01::1"])
    assert set(told.all()) == {cookie, peer.netns_cookie()}
    # The late one is new to it, the other one only if something changed there.
    assert told.stats()["walks"] == walks + (2 if changed else 1)
    space.address("add", "10.1.0.3/24", "a0")
    eventually(lambda: "10.1.0.3" in told.addresses(cookie), "what comes later")
    told.set("except=a0")
    assert told.addresses(cookie) == []


def test_a_successor_hears_what_was_asked_meanwhile(loader, cgroup, space):
    told = attach(loader, cgroup)
    space.link("a0", "10.1.0.1/24")
    peer = space.peer(cgroup)
    loader.stop(signal.SIGKILL)
    peer.listen("127.0.0.1", 7000)
    for _ in range(260):  # more than the ring holds
        peer.close(peer.connect("127.0.0.1", 7000))
        peer.close(peer.accept(1))
    loader.start()
    assert told.stats()["unknown"] == 260
    assert told.addresses(peer.netns_cookie()) == ["10.1.0.1"]
    # The ring works again.
    peer.stop()
    eventually(lambda: list(told.all()) == [Sockets.netns_cookie()], "that of the daemon")
    again = space.peer(cgroup)
    again.listen("127.0.0.1", 7000)
    again.connect("127.0.0.1", 7000)
    told.soon(again.netns_cookie(), "10.1.0.1")


def test_notifications_that_are_lost_cost_nothing(one, space, tmp_path):
    told, cookie = one
    batch = tmp_path / "batch"
    batch.write_text("".join(f"address {action} 10.9.{n // 250}.{n % 250 + 1}/32 dev a0\n"
                             for n in range(1000) for action in ("add", "del")))

    def lost():
        lines = run("ip", "netns", "exec", space.name, "cat", "/proc/net/netlink").splitlines()
        drops = lines[0].split().index("Drops")
        return sum(int(line.split()[drops]) for line in lines[1:])

    told.loader.process.send_signal(signal.SIGSTOP)
    try:
        space.ip("-batch", str(batch))
        space.address("del", "10.1.0.1/24", "a0")
        space.address("add", "10.1.0.7/24", "a0")
        assert lost() > 0
    finally:
        told.loader.process.send_signal(signal.SIGCONT)
    told.soon(cookie, "10.1.0.7", "fd01::1")


def test_list_shows_what_was_written(one, cgroup, space):
    told, cookie = one
    space.link("b0", "10.2.0.1/24")
    told.soon(cookie, "10.1.0.1", "fd01::1", "10.2.0.1")
    told.set("backup=b*")
    pid = space.peers[0].process.pid
    assert told.listed() == {
        "namespaces": 1, "addresses": 3, "backups": 1, "left_out": 0,
        "netns": [{"cookie": cookie, "found_at": f"pid {pid}", "left_out": 0, "addresses": [
            {"interface": "a0", "address": "10.1.0.1", "backup": False,
             "deprecated": False},
            {"interface": "a0", "address": "fd01::1", "backup": False,
             "deprecated": False},
            {"interface": "b0", "address": "10.2.0.1", "backup": True,
             "deprecated": False}]}]}
    header, row = told.loader.ok("list").splitlines()
    assert "ADDRESSES" in header and "3 (1 backup)" in row and "backup=b*" in row


def test_other_programs_have_no_addresses(one, make_cgroup):
    told, _ = one
    other = make_cgroup("plain")
    told.loader.ok("attach", "sample", "--cgroup", other)
    assert "local_addrs" not in told.loader.entry("sample", other)


def test_two_cgroups_choose_for_themselves(one, make_cgroup, space):
    told, cookie = one
    second = make_cgroup("second")
    space.peer(second)
    other = attach(told.loader, second, "backup=a0", "include=link-local")
    assert other.marked(cookie) == ["10.1.0.1", "fd01::1"] and told.marked(cookie) == []
    space.address("add", "169.254.7.7/16", "a0")
    other.soon(cookie, "10.1.0.1", "169.254.7.7", "fd01::1")
    assert told.addresses(cookie) == ["10.1.0.1", "fd01::1"]
    told.loader.ok("detach", "addrs", "--cgroup", second)
    space.address("add", "10.1.0.2/24", "a0")
    told.soon(cookie, "10.1.0.1", "10.1.0.2", "fd01::1")


@pytest.mark.parametrize("how", ["detached", "removed"])
def test_nothing_is_left_of_an_attachment(loader, make_cgroup, how):
    def maps():
        return [entry["id"] for entry in bpftool("map", "show")
                if entry.get("name") in ("local_addr_map", "want_netns")]

    cgroup = make_cgroup("gone")
    attach(loader, cgroup)
    assert len(maps()) == 2
    if how == "detached":
        loader.ok("detach", "addrs", "--cgroup", cgroup)
    else:
        cgroup.rmdir()
    eventually(lambda: loader.list() == [] and maps() == [], "no map")


def test_programs_describe_their_lists(ctl):
    program = next(p for p in json.loads(ctl("programs", "--json").stdout) if p["name"] == "addrs")
    assert {param["name"]: param["type"] for param in program["params"]} == {
        "interfaces": "interfaces", "except": "interfaces", "backup": "interfaces",
        "include": "address-kinds", "prefix": "prefixes", "noprefix": "prefixes"}
    assert "tentative,deprecated,link-local,loopback" in ctl("programs").stdout
