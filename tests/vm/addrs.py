# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces with interfaces, and what a program is told of their addresses."""
import itertools
import os
import socket
import struct
import sys

from net import Peer, eventually, run
from test_loader import bpftool

BACKUP, DEPRECATED = 1, 2
ADDRS_MAX = 16
FAR_ENDS = itertools.count()


class Space:
    """A network namespace with interfaces, whose other ends are in that of the daemon."""

    def __init__(self, name):
        self.name, self.peers, self.far = name, [], {}
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        run("ip", "-n", self.name, *words)

    def sysctl(self, setting):
        run("ip", "netns", "exec", self.name, "sysctl", "-qw", setting)

    def link(self, interface, *addresses):
        """An interface that is up, without a link-local address of its own making."""
        self.far[interface] = f"far{next(FAR_ENDS)}"
        self.ip("link", "add", interface, "type", "veth", "peer", "name", self.far[interface],
                "netns", str(os.getpid()))
        self.ip("link", "set", interface, "addrgenmode", "none")
        # A link that goes down and up again keeps them.
        self.sysctl(f"net.ipv6.conf.{interface}.keep_addr_on_down=1")
        run("ip", "link", "set", self.far[interface], "addrgenmode", "none", "up")
        self.ip("link", "set", interface, "up")
        for address in addresses:
            self.address("add", address, interface)

    def address(self, action, address, interface, *more):
        nodad = ["nodad"] if ":" in address and action == "add" and "dad" not in more else []
        more = [word for word in more if word != "dad"]
        self.ip("address", action, address, "dev", interface, *nodad, *more)

    def peer(self, cgroup):
        """A process in it, and in the cgroup."""
        peer = Peer(self.name)
        peer.join(str(cgroup))
        self.peers.append(peer)
        return peer

    def remove(self):
        for peer in self.peers:
            peer.stop()
        run("ip", "netns", "del", self.name)


class Told:
    """What the program in the cgroup is told."""

    def __init__(self, loader, cgroup):
        self.loader, self.cgroup = loader, cgroup
        self.pin = loader.bpffs / f"addrs@{cgroup.stat().st_ino}/maps/local_addr_map"

    def all(self):
        """{cookie: (left out, [(ifindex, address, type, flags)])}"""
        return dict(self.entry(*[bytes(int(byte, 16) for byte in entry[part])
                                 for part in ("key", "value")])
                    for entry in bpftool("map", "dump", "pinned", str(self.pin)))

    @staticmethod
    def entry(key, value):
        count, left_out = struct.unpack_from("=II", value)
        assert count <= ADDRS_MAX and len(value) == 8 + ADDRS_MAX * 32
        addresses = []
        for at in range(8, 8 + 32 * count, 32):
            family, index, device_type, flags, raw = struct.unpack_from("=IIII16s", value, at)
            if family == socket.AF_INET:
                assert raw[4:] == bytes(12)
                raw = raw[:4]
            addresses.append((index, socket.inet_ntop(family, raw), device_type, flags))
        assert value[8 + 32 * count:] == bytes(32 * (ADDRS_MAX - count))
        return int.from_bytes(key, sys.byteorder), (left_out, addresses)

    def addresses(self, cookie):
        """None: there is no entry for that namespace."""
        found = self.all().get(cookie)
        return found and [address for _, address, _, _ in found[1]]

    def soon(self, cookie, *addresses):
        eventually(lambda: self.addresses(cookie) == list(addresses),
                   f"{addresses} in the map", timeout=20)

    def marked(self, cookie, flag=BACKUP):
        return [address for _, address, _, flags in self.all()[cookie][1] if flags & flag]

    def stats(self):
        return self.loader.stats("addrs", self.cgroup)

    def set(self, *settings):
        self.loader.ok("set", "addrs", "--cgroup", self.cgroup, *settings)

    def listed(self):
        return self.loader.entry("addrs", self.cgroup)["local_addrs"]


def attach(loader, cgroup, *settings):
    loader.ok("attach", "addrs", "--cgroup", cgroup, *[f"--set={one}" for one in settings])
    return Told(loader, cgroup)
