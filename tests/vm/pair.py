# SPDX-License-Identifier: GPL-2.0-or-later
"""A client and a server, each in a cgroup of its own with a program of its own."""
import re

from net import ADDRESS, CLIENT, SERVER, digest, run
from rawtcp import RawPeer

PORT = 7000


class Pair:
    def __init__(self, hosts, loader, make_cgroup, program):
        self.hosts, self.loader, self.program = hosts, loader, program
        self.cgroups = {name: make_cgroup(name) for name in (CLIENT, SERVER)}

    def attach(self, name, program=None, **params):
        settings = [f"--set={key}={value}" for key, value in params.items()]
        self.loader.ok("attach", program or self.program, "--cgroup", self.cgroups[name], *settings)

    def set(self, name, **params):
        self.loader.ok("set", self.program, "--cgroup", self.cgroups[name],
                       *[f"{key}={value}" for key, value in params.items()])

    def stats(self, name):
        return self.loader.stats(self.program, self.cgroups[name])

    def counted(self, name):
        """What moved, but for what a working connection counts anyway."""
        return {key: value for key, value in self.stats(name).items() if value}

    def listen(self, family=4, options=()):
        """The server's listener; segments are captured from now on."""
        self.client = self.hosts.peer(CLIENT, self.cgroups[CLIENT])
        self.server = self.hosts.peer(SERVER, self.cgroups[SERVER])
        listener = self.server.listen(ADDRESS[family][SERVER], PORT, options=options)
        self.capture = self.hosts.capture()
        self.server.start("accept", listener)
        return listener

    def connect(self, family=4, options=()):
        self.listen(family, options)
        self.out = self.client.connect(ADDRESS[family][SERVER], PORT)
        self.inn = self.server.wait()

    def connect_raw(self, syn=b"", ack=b"", options=()):
        """From a peer that puts these TCP options on its SYN and on its third ACK."""
        self.listen(options=options)
        raw = RawPeer(self.hosts, PORT)
        raw.connect(syn, ack)
        self.inn = self.server.wait()
        return raw

    def upload(self, count):
        self.client.start("send", self.out, count)
        assert self.server.recv(self.inn, count) == digest(count)
        self.client.wait()

    def download(self, count):
        self.server.start("send", self.inn, count)
        assert self.client.recv(self.out, count) == digest(count)
        self.server.wait()

    def tcp_info(self, name):
        """What ss says of this end: congestion control and cwnd."""
        side = "sport" if name == SERVER else "dport"
        text = run("ip", "netns", "exec", name, "ss", "-tinH", "state", "established",
                   f"{side} = :{PORT}")
        lines = text.splitlines()
        assert len(lines) == 2, text
        algorithm = next(word for word in lines[1].split() if word not in ("ts", "sack", "ecn"))
        return {"algorithm": algorithm, "cwnd": int(re.search(r"\bcwnd:(\d+)", lines[1])[1])}


def experiment(exid, value=b""):
    """An option of kind 253."""
    name = exid.to_bytes(4 if exid > 0xffff else 2, "big")
    return bytes([253, 2 + len(name) + len(value)]) + name + value
