# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection between the two hosts, each end in a cgroup with programs."""
from net import ADDRESS, CLIENT, SERVER, digest

MTU_FRAME = 1514


class Ends:
    def __init__(self, hosts, loader, make_cgroup, family):
        self.hosts, self.loader, self.family = hosts, loader, family
        self.cgroups = {name: make_cgroup(name) for name in (CLIENT, SERVER)}
        self.listener = None

    def attach(self, name, program="optest", **params):
        settings = [f"--set={key}={value}" for key, value in params.items()]
        self.loader.ok("attach", program, "--cgroup", self.cgroups[name], *settings)

    def stats(self, name, program="optest"):
        return self.loader.stats(program, self.cgroups[name])

    def counter(self, name, key):
        return self.hosts.counter(name, "TCPBPFOpt" + key)

    def connect(self, port=7000, client_options=(), server_options=(), first=0, **named):
        """Set up the connection; `first` bytes go out with the connect (Fast Open)."""
        address = ADDRESS[self.family][SERVER]
        self.client = self.hosts.peer(CLIENT, self.cgroups[CLIENT])
        self.server = self.hosts.peer(SERVER, self.cgroups[SERVER])
        self.listener = self.server.listen(address, port, options=server_options, **named)
        self.capture = self.hosts.capture()
        self.server.start("accept", self.listener)
        self.out = self.client.connect(address, port, options=client_options, **named)
        if first:
            self.client.send(self.out, first)
        self.inn = self.server.wait()
        if first:
            assert self.server.recv(self.inn, first) == digest(first)
        return self

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


def sent(segments, source, want=0, without=0, payload=None):
    return [s for s in segments if s.source == source and s.flags & want == want
            and not s.flags & without and (payload is None or bool(s.payload) == payload)]
