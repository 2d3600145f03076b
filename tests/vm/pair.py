# SPDX-License-Identifier: GPL-2.0-or-later
"""A client and a server, each in a cgroup with programs, and a connection between them."""
import re

from net import ADDRESS, CLIENT, SERVER, digest, run
from rawtcp import RawPeer

PORT = 7000
MTU_FRAME = 1514


class Pair:
    """`program` is what is attached and asked about unless another one is named."""

    def __init__(self, hosts, loader, make_cgroup, program, family=4):
        self.hosts, self.loader = hosts, loader
        self.program, self.family = program, family
        self.cgroups = {name: make_cgroup(name) for name in (CLIENT, SERVER)}

    def attach(self, name, program=None, **params):
        self.loader.tell("attach", program or self.program, self.cgroups[name], params)

    def detach(self, name, program=None):
        self.loader.tell("detach", program or self.program, self.cgroups[name])

    def set(self, name, **params):
        self.loader.tell("set", self.program, self.cgroups[name], params)

    def stats(self, name, program=None):
        return self.loader.stats(program or self.program, self.cgroups[name])

    def counted(self, name):
        """What moved, but for what a working connection counts anyway."""
        return {key: value for key, value in self.stats(name).items() if value}

    def counter(self, name, key):
        """One of the kernel's counters of options, of all connections of this host."""
        return self.hosts.counter(name, "TCPBPFOpt" + key)

    def listen(self, options=(), **named):
        """The server's listener; segments are captured from now on."""
        self.client = self.hosts.peer(CLIENT, self.cgroups[CLIENT])
        self.server = self.hosts.peer(SERVER, self.cgroups[SERVER])
        self.listener = self.server.listen(ADDRESS[self.family][SERVER], PORT, options=options,
                                           **named)
        self.capture = self.hosts.capture()

    def connect(self, family=None, client_options=(), server_options=(), first=0, **named):
        """Set up the connection; `first` bytes go out with the connect (Fast Open)."""
        self.family = family or self.family
        self.listen(server_options, **named)
        self.server.start("accept", self.listener)
        self.out = self.client.connect(ADDRESS[self.family][SERVER], PORT, options=client_options,
                                       **named)
        if first:
            self.client.send(self.out, first)
        self.inn = self.server.wait()
        if first:
            assert self.server.recv(self.inn, first) == digest(first)
        return self

    def connect_raw(self, syn=b"", ack=b"", options=()):
        """From a peer that puts these TCP options on its SYN and on its third ACK."""
        self.listen(options)
        self.server.start("accept", self.listener)
        raw = RawPeer(self.hosts, PORT)
        raw.connect(syn, ack)
        self.inn = self.server.wait()
        return raw

    def upload(self, count):
        self.client.start("send", self.out, count)
        assert self.server.recv(self.inn, count) == digest(count)
        assert self.client.wait() == count

    def download(self, count):
        self.server.start("send", self.inn, count)
        assert self.client.recv(self.out, count) == digest(count)
        assert self.server.wait() == count

    def finish(self):
        """Close both ends in order and return all segments."""
        self.client.shutdown(self.out)
        assert self.server.recv_eof(self.inn) == 0
        self.server.close(self.inn)
        assert self.client.recv_eof(self.out) == 0
        self.client.close(self.out)
        return self.capture.segments()

    def tcp_info(self, name):
        """What ss says of this end: congestion control and cwnd."""
        side = "sport" if name == SERVER else "dport"
        text = run("ip", "netns", "exec", name, "ss", "-tinH", "state", "established",
                   f"{side} = :{PORT}")
        lines = text.splitlines()
        assert len(lines) == 2, text
        algorithm = next(word for word in lines[1].split() if word not in ("ts", "sack", "ecn"))
        return {"algorithm": algorithm, "cwnd": int(re.search(r"\bcwnd:(\d+)", lines[1])[1])}


def sent(segments, source, want=0, without=0, payload=None):
    return [s for s in segments if s.source == source and s.flags & want == want
            and not s.flags & without and (payload is None or bool(s.payload) == payload)]


def experiment(exid, value=b"", kind=253):
    """An option of a kind that experiments share."""
    name = exid.to_bytes(4 if exid > 0xffff else 2, "big")
    return bytes([kind, 2 + len(name) + len(value)]) + name + value
