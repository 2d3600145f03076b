# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts, which are network namespaces, and links between them.

A link is a bridge in a namespace of its own. What a host sends takes its time, and may
be lost, on the way to the bridge, and waits there for the rate: in a queue that is not
the host's, whose kernel would be told of what has no room in it.
"""
from net import run

SYSCTLS = ("net.ipv6.conf.all.disable_ipv6=1",
           # What one session learnt of a path is not where the next one starts.
           "net.ipv4.tcp_no_metrics_save=1",
           # One limit for each session, not that of the whole guest's memory.
           "net.ipv4.tcp_rmem=4096 131072 4194304")
IN_FLIGHT = "100000"  # packets on their way: never too many
PLAIN = {"rate": "", "rtt": 0, "loss": 0, "queue": 1000}


class Network:
    """`links`: dictionaries as kinds.LINK has them."""

    def __init__(self, links):
        self.links = [{**PLAIN, **link} for link in links]
        self.names = list(dict.fromkeys(name for link in links for name in link["between"]))
        self.interfaces = {}  # (link, host): its interface
        for name in self.names:
            self.namespace(name)
        for number in range(len(links)):
            self.wire(number)
        for name in self.names:
            self.routes(name)

    @staticmethod
    def on(name, *command, check=True):
        return run("ip", "netns", "exec", name, *command, check=check)

    def namespace(self, name):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        for setting in SYSCTLS:
            self.on(name, "sysctl", "-qw", setting)

    def wire(self, number):
        """The bridge, whose ports are side0 and side1."""
        wire = f"wire{number}"
        self.namespace(wire)
        run("ip", "-n", wire, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", wire, "link", "set", "bridge", "up")
        for side, name in enumerate(self.links[number]["between"]):
            interface = f"eth{sum(host == name for _, host in self.interfaces)}"
            self.interfaces[number, name] = interface
            run("ip", "link", "add", interface, "netns", name, "type", "veth",
                "peer", "name", f"side{side}", "netns", wire)
            run("ip", "-n", wire, "link", "set", f"side{side}", "master", "bridge", "up")
            run("ip", "-n", name, "address", "add", f"{self.address(number, name)}/24",
                "dev", interface)
            # A packet of the link is one of the wire: netem counts them for its limit.
            run("ip", "-n", name, "link", "set", interface, "gso_max_segs", "1", "up")

    def address(self, number, name):
        return f"10.9.{number}.{1 + self.links[number]['between'].index(name)}"

    def first_address(self, name):
        return next(self.address(number, host) for number, host in self.interfaces if host == name)

    def neighbours(self, name):
        """(link, host at its other end)"""
        return [(number, link["between"][link["between"].index(name) ^ 1])
                for number, link in enumerate(self.links) if name in link["between"]]

    def routes(self, name):
        """The fewest links to each subnet. What the first host of a link sends from its address
        there takes that link, wherever it goes; the way back is that to this address.
        """
        nearest, reached, queue = {}, {name}, []
        for number, other in self.neighbours(name):
            nearest[number] = None
            gateway = self.address(number, other)
            if name == self.links[number]["between"][0]:
                self.by_source(number, name, gateway)
            if other not in reached:
                reached.add(other)
                queue.append((other, gateway))
        if len(reached) > 2:
            self.on(name, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        while queue:
            host, gateway = queue.pop(0)
            for number, other in self.neighbours(host):
                if number not in nearest:
                    nearest[number] = gateway
                    run("ip", "-n", name, "route", "add", f"10.9.{number}.0/24", "via", gateway)
                if other not in reached:
                    reached.add(other)
                    queue.append((other, gateway))

    def by_source(self, number, name, gateway):
        table = str(100 + number)
        run("ip", "-n", name, "rule", "add", "from", self.address(number, name), "table", table)
        run("ip", "-n", name, "route", "add", "default", "via", gateway,
            "dev", self.interfaces[number, name], "table", table)

    def shape(self, number, **changed):
        """Rate, rtt, loss and queue of a link; what is not named stays."""
        link = self.links[number]
        before = dict(link)
        link.update(changed)
        for side, name in enumerate(link["between"]):
            if changed.keys() & {"rtt", "loss"} or before == link:
                self.netem(name, self.interfaces[number, name],
                           {"delay": f"{link['rtt'] / 2}ms" if link["rtt"] else "",
                            "loss": f"{link['loss']}%" if link["loss"] else ""}, IN_FLIGHT)
            if changed.keys() & {"rate", "queue"} or before == link:
                self.netem(f"wire{number}", f"side{side}", {"rate": link["rate"]}, link["queue"])

    @staticmethod
    def netem(namespace, interface, what, limit):
        words = [word for key, value in what.items() if value for word in (key, value)]
        if words:
            run("tc", "-n", namespace, "qdisc", "replace", "dev", interface, "root", "netem",
                *words, "limit", str(limit))
        else:
            run("tc", "-n", namespace, "qdisc", "del", "dev", interface, "root", check=False)

    def remove(self):
        for name in (*self.names, *(f"wire{number}" for number in range(len(self.links)))):
            run("ip", "netns", "del", name)
