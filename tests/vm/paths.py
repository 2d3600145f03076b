# SPDX-License-Identifier: GPL-2.0-or-later
"""A second path between the two hosts, and what tshark says of MPTCP on both.

The client's interface is that of the source address, whatever the destination;
the server answers where the client's address is.
"""
import ipaddress
import os
import re

from net import ADDRESS, CLIENT, SERVER, Wire, eventually, run

SECOND = {4: {CLIENT: "10.9.1.1", SERVER: "10.9.1.2"},
          6: {CLIENT: "fd09:1::1", SERVER: "fd09:1::2"}}
PREFIX = {4: 24, 6: 64}
INTERFACES = ("eth0", "eth1")
# Rates of shaped paths, which must not be more than the guest can send: the debug
# kernel cannot send as much.
FAST, SLOW, SLOWEST = (
    ("4mbit", "1mbit", "500kbit") if os.path.exists("/sys/kernel/debug/kmemleak") else
    ("20mbit", "4mbit", "2mbit"))
MP_CAPABLE, MP_JOIN, DSS, ADD_ADDR, RM_ADDR, MP_PRIO, MP_FAIL, MP_FASTCLOSE, MP_TCPRST = range(9)


def address(family, path, name):
    return (ADDRESS, SECOND)[path][family][name]


def on(name, *command, check=True):
    """Run a command on that host."""
    return run("ip", "netns", "exec", name, *command, check=check)


def ifindex(name, interface):
    return int(on(name, "cat", f"/sys/class/net/{interface}/ifindex"))


class MptcpWire(Wire):
    """tcpdump on all interfaces of the server."""

    INTERFACE = "any"
    SNAPLEN = "200"
    FIELDS = ["frame.time_epoch",
              "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
              "tcp.flags", "tcp.len", "tcp.options.mptcp.subtype", "tcp.options.mptcp.addrid",
              "tcp.options.mptcp.backup.flag", "tcp.options.mptcp.echo",
              "tcp.options.mptcp.ipver", "tcp.options.mptcp.ipv4", "tcp.options.mptcp.ipv6",
              "tcp.options.mptcp.port", "tcp.options.mptcp.rst_reason",
              "tcp.options.mptcp.flag_T.flag", "tcp.options.mptcp.recvtok"]

    def begin(self):
        self.mark()

    def packets(self):
        """Those with TCP since begin() or the last call."""
        return [Packet(values) for values in self.decode(self.mark()) if values["tcp.flags"]]

    def with_option(self, subtype, source=None):
        return [p for p in self.packets() if subtype in p.subtypes
                and (source is None or p.source == source)]


class Packet:
    def __init__(self, values):
        self.src = values["ip.src"] or values["ipv6.src"]
        self.dst = values["ip.dst"] or values["ipv6.dst"]
        self.ports = int(values["tcp.srcport"]), int(values["tcp.dstport"])
        self.time = float(values["frame.time_epoch"])
        self.flags = int(values["tcp.flags"], 16) & 0x3f
        self.payload = int(values["tcp.len"])
        self.subtypes = [int(v) for v in values["tcp.options.mptcp.subtype"].split(";") if v]
        self.values = values
        self.source = None
        for table in (ADDRESS, SECOND):
            for family in table.values():
                for name, known in family.items():
                    if ipaddress.ip_address(self.src) == ipaddress.ip_address(known):
                        self.source = name

    def field(self, name):
        """All values of a field below tcp.options.mptcp."""
        return [v for v in self.values["tcp.options.mptcp." + name].split(";") if v]

    def __repr__(self):
        shown = {k.rsplit(".", 1)[1]: v for k, v in self.values.items()
                 if v and k.startswith("tcp.options.mptcp")}
        return f"\n<{self.src}:{self.ports[0]} > {self.dst}:{self.ports[1]} {self.flags:#x} {shown}>"


class Paths:
    """eth1 beside eth0 of the hosts, as long as the tests that want it."""

    def __init__(self, hosts):
        self.hosts, self.undo = hosts, []
        run("ip", "link", "add", "eth1", "netns", CLIENT, "type", "veth",
            "peer", "name", "eth1", "netns", SERVER)
        for name in (CLIENT, SERVER):
            for path, interface in enumerate(INTERFACES):
                if path:
                    run("ip", "-n", name, "address", "add", f"{SECOND[4][name]}/24", "dev", "eth1")
                    run("ip", "-n", name, "address", "add", f"{SECOND[6][name]}/64", "dev",
                        "eth1", "nodad")
                    on(name, "sysctl", "-qw", "net.ipv6.conf.eth1.keep_addr_on_down=1")
                    run("ip", "-n", name, "link", "set", "eth1", "up")
        self.rules("add")
        self.routes()
        # High enough; tests of the limits set their own.
        for name in (CLIENT, SERVER):
            self.limits(name)
        self.at_last, self.undo = self.undo, []
        self.wire = MptcpWire(hosts)

    @staticmethod
    def rules(what):
        for path in range(len(INTERFACES)):
            for family in (4, 6):
                run("ip", f"-{family}", "-n", CLIENT, "rule", what, "from",
                    address(family, path, CLIENT), "table", str(100 + path))

    @staticmethod
    def routes():
        """Those of the tables go with their interface; put back what is missing."""
        for path in range(len(INTERFACES)):
            for family in (4, 6):
                Paths.set_route(family, path)

    @staticmethod
    def set_route(family, path, *more):
        run("ip", f"-{family}", "-n", CLIENT, "route", "replace", "default", "via",
            address(family, path, SERVER), "dev", INTERFACES[path], "table", str(100 + path),
            *more)

    def route(self, family, path, *metrics):
        """Metrics of the client's route, for this test."""
        self.undo.append(lambda: self.set_route(family, path))
        self.set_route(family, path, *metrics)

    def reset(self):
        while self.undo:
            self.undo.pop()()

    def remove(self):
        self.reset()
        self.undo = self.at_last
        self.reset()
        self.wire.stop()
        self.rules("del")
        for path in range(len(INTERFACES)):
            for family in (4, 6):
                run("ip", f"-{family}", "-n", CLIENT, "route", "flush", "table", str(100 + path))
        run("ip", "-n", CLIENT, "link", "del", "eth1")

    def link(self, name, path, state):
        """Set one end of a path up or down."""
        interface = INTERFACES[path]
        if state == "down":
            self.undo.append(lambda: self.link(name, path, "up"))
        run("ip", "-n", name, "link", "set", interface, state)
        if state == "up":
            eventually(lambda: "LOWER_UP" in run("ip", "-n", name, "link", "show", interface),
                       f"{interface} up")
            self.routes()

    def add_address(self, name, addr, path, *more):
        """Returns when it can be used; removed after the test."""
        interface = INTERFACES[path]
        family = ipaddress.ip_address(addr).version
        run("ip", "-n", name, "address", "add", f"{addr}/{PREFIX[family]}", "dev", interface, *more)
        self.undo.append(lambda: run("ip", "-n", name, "address", "del",
                                     f"{addr}/{PREFIX[family]}", "dev", interface, check=False))

    def del_address(self, name, addr, path):
        """One of those that belong there is put back after the test."""
        family, interface = ipaddress.ip_address(addr).version, INTERFACES[path]
        run("ip", "-n", name, "address", "del", f"{addr}/{PREFIX[family]}", "dev", interface)
        if addr == address(family, path, name):
            self.undo.append(lambda: self.restore(name, family, path))

    def restore(self, name, family, path):
        """The address that belongs there; IPv6 without waiting for its uniqueness."""
        run("ip", "-n", name, "address", "add",
            f"{address(family, path, name)}/{PREFIX[family]}", "dev", INTERFACES[path],
            *(["nodad"] if family == 6 else []), check=False)
        self.routes()

    def shape(self, path, rate, delay="5ms", *more):
        """Both directions of a path."""
        for name in (CLIENT, SERVER):
            run("tc", "-n", name, "qdisc", "replace", "dev", INTERFACES[path], "root", "netem",
                "rate", rate, "delay", delay, "limit", "1000", *more)
            self.undo.append(lambda name=name: run(
                "tc", "-n", name, "qdisc", "del", "dev", INTERFACES[path], "root", check=False))

    def nft(self, name, *rules):
        """Rules in the input chain of a host."""
        on(name, "nft", "\n".join(["table inet t {", "chain c {",
                                   "type filter hook input priority 0;", *rules, "}", "}"]))
        self.undo.append(lambda: on(name, "nft", "delete table inet t", check=False))

    def sysctl(self, name, key, value):
        """Of a host's network namespace."""
        old = on(name, "sysctl", "-n", key).strip()
        self.undo.append(lambda: on(name, "sysctl", "-qw", f"{key}={old}"))
        on(name, "sysctl", "-qw", f"{key}={value}")

    def limits(self, name, subflows=8, add_addr_accepted=8):
        """Of the in-kernel path manager."""
        old = re.search(r"add_addr_accepted (\d+) subflows (\d+)",
                        run("ip", "-n", name, "mptcp", "limits", "show"))
        self.undo.append(lambda: run("ip", "-n", name, "mptcp", "limits", "set",
                                     "add_addr_accepted", old[1], "subflow", old[2]))
        run("ip", "-n", name, "mptcp", "limits", "set", "add_addr_accepted",
            str(add_addr_accepted), "subflow", str(subflows))

    def endpoint(self, name, addr, *flags):
        """Of the in-kernel path manager."""
        self.undo.append(lambda: run("ip", "-n", name, "mptcp", "endpoint", "flush"))
        run("ip", "-n", name, "mptcp", "endpoint", "add", addr, *flags)
