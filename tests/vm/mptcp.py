# SPDX-License-Identifier: GPL-2.0-or-later
"""MPTCP sessions between the two hosts, and what ss says of their subflows."""
import re

from net import ADDRESS, CLIENT, SERVER, Peer, digest, eventually, run
from paths import address

PORT = 7100
# kind of session: the server's address to listen at, and the one to connect to
KINDS = {"ipv4": ("0.0.0.0", ADDRESS[4][SERVER]),
         "ipv6": ("::", ADDRESS[6][SERVER]),
         "mapped": ("::", "::ffff:" + ADDRESS[4][SERVER])}


class Sf:
    """A line of ss about a subflow."""

    def __init__(self, lines):
        fields = lines[0].split()
        self.state = fields[0]
        self.local, self.lport = self._address(fields[3])
        self.remote, self.rport = self._address(fields[4])
        rest = " ".join(lines)
        found = re.search(r"tcp-ulp-mptcp flags:(\S*) token:(\w+)\(id:(\d+)\)/(\w+)\(id:(\d+)\)",
                          rest)
        self.mptcp = bool(found)
        self.flags = found[1] if found else ""
        self.remote_token, self.token = (int(found[2], 16), int(found[4], 16)) if found else (0, 0)
        self.remote_id, self.local_id = (int(found[3]), int(found[5])) if found else (0, 0)
        received = re.search(r"bytes_received:(\d+)", rest)
        self.received = int(received[1]) if received else 0
        pacing = re.search(r"pacing_rate (\d+)bps(?:/(\d+)bps)?", rest)
        self.pacing = int(pacing[1]) if pacing else None  # bit/s
        self.pacing_max = int(pacing[2]) if pacing and pacing[2] else None
        self.initial = not set(self.flags) & set("Jj")
        self.backup = "b" in self.flags  # this end asked for it
        self.peer_backup = "B" in self.flags

    @staticmethod
    def _address(text):
        address, _, port = text.rpartition(":")
        address = address.partition("%")[0].strip("[]")
        return address.removeprefix("::ffff:"), port

    @property
    def pair(self):
        return self.local, self.remote

    def __repr__(self):
        return f"\n<{self.state} {self.local}:{self.lport} {self.remote}:{self.rport} {self.flags}>"


def subflows(name, port=PORT, state="established"):
    """Subflows of a host from or to that port, as ss shows them."""
    text = run("ip", "netns", "exec", name, "ss", "-tniH", "state", state,
               f"( sport = :{port} or dport = :{port} )")
    groups = []
    for line in text.splitlines():
        if line[:1].isspace() and groups:
            groups[-1].append(line)
        else:
            # With one state ss leaves its column out.
            groups.append([f"{state} {line}"])
    return [sf for sf in map(Sf, groups) if sf.mptcp]


def counter(name, key):
    """An MPTCP counter of a host, by nstat's name without MPTcpExt."""
    text = run("ip", "netns", "exec", name, "nstat", "-asz", f"MPTcpExt{key}")
    return int(re.search(rf"MPTcpExt{key}\s+(\d+)", text)[1])


class Session:
    """One connection, and how to make data flow through it."""

    def __init__(self, client, server, out, inn, port):
        self.client, self.server, self.out, self.inn, self.port = client, server, out, inn, port

    def upload(self, count=1000):
        self.client.start("send", self.out, count)
        assert self.server.recv(self.inn, count) == digest(count)
        assert self.client.wait() == count

    def download(self, count=1000, timeout=60):
        self.begin_download(count, timeout)
        self.end_download(count)

    def begin_download(self, count, timeout=60):
        self.server.start("send", self.inn, count, timeout=timeout)
        self.client.start("recv", self.out, count, timeout=timeout)

    def end_download(self, count):
        """All of it came, and as it was sent."""
        assert self.client.wait() == digest(count)
        assert self.server.wait() == count

    def exchange(self):
        """Both ends are fully established after it."""
        self.upload()
        self.download()

    def close(self):
        """Both ends in order."""
        self.client.shutdown(self.out)
        assert self.server.recv_eof(self.inn) == 0
        self.server.close(self.inn)
        assert self.client.recv_eof(self.out) == 0
        self.client.close(self.out)

    def subflows(self, name, state="established"):
        return subflows(name, self.port, state)

    def wait_subflows(self, name, count, timeout=30.0):
        """Exactly so many are established; returns them."""
        seen = []

        def settled():
            seen[:] = self.subflows(name)
            return len(seen) == count
        try:
            eventually(settled, f"{count} subflows", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from None
        return seen

    def wait_pairs(self, name, pairs, timeout=30.0):
        """Exactly these pairs of local and remote addresses have a subflow."""
        seen, pairs = [], sorted(pairs)

        def settled():
            seen[:] = sorted(sf.pair for sf in self.subflows(name))
            return seen == pairs
        try:
            eventually(settled, f"subflows {pairs}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from None

    def kill(self, name, sf):
        """Reset one subflow as `ss -K` does, at that end."""
        local = f"[{sf.local}]" if ":" in sf.local else sf.local
        run("ip", "netns", "exec", name, "ss", "-K", "-tn", "src", local, "sport", "=",
            f":{sf.lport}", "dport", "=", f":{sf.rport}")


class Mptcp:
    """Client and server, each in a cgroup of its own."""

    def __init__(self, hosts, paths, loader, make_cgroup, kind="ipv4"):
        self.hosts, self.paths, self.loader, self.kind = hosts, paths, loader, kind
        self.make_cgroup = make_cgroup
        self.cgroups = {name: make_cgroup(name) for name in (CLIENT, SERVER)}
        self.more_peers, self.probes, self.listeners = [], [], {}
        for name in (CLIENT, SERVER):
            hosts.peer(name, self.cgroups[name])

    @property
    def family(self):
        return 6 if self.kind == "ipv6" else 4

    def attach(self, name, program, cgroup=None, **params):
        self.loader.tell("attach", program, cgroup or self.cgroups[name], params)

    def join(self, path=1, *flags):
        """Sessions that the client begins from now on get a subflow on that path, too."""
        self.paths.endpoint(CLIENT, address(self.family, path, CLIENT), "subflow", *flags)

    def set(self, name, program, cgroup=None, **params):
        self.loader.tell("set", program, cgroup or self.cgroups[name], params)

    def stats(self, name, program, cgroup=None):
        return self.loader.stats(program, cgroup or self.cgroups[name])

    def probe(self, name, program="pmprobe", cgroup=None, **params):
        from probe import Probe
        self.probes.append(Probe(self.loader, cgroup or self.cgroups[name], program, **params))
        return self.probes[-1]

    def peer(self, name, cgroup):
        """One more process on a host, in a cgroup."""
        self.more_peers.append(Peer(name))
        self.more_peers[-1].join(str(cgroup))
        return self.more_peers[-1]

    def listen(self, port=PORT, mptcp=True, kind=None):
        """The server's listener on that port."""
        if port not in self.listeners:
            self.listeners[port] = self.hosts.peers[SERVER].listen(
                KINDS[kind or self.kind][0], port, mptcp=mptcp)
        return self.listeners[port]

    def connect_unaccepted(self, port=PORT):
        """The client's socket, and a function that accepts and returns the session."""
        listener, client = self.listen(port), self.hosts.peers[CLIENT]
        out = client.connect(KINDS[self.kind][1], port, mptcp=True)

        def accept():
            server = self.hosts.peers[SERVER]
            return Session(client, server, out, server.accept(listener), port)
        return out, accept

    def connect(self, client=None, port=PORT, mptcp=True, server_mptcp=True, kind=None,
                address=None, exchange=True):
        """A session; the listener on a port is made once and stays."""
        _, connect_to = KINDS[kind or self.kind]
        server = self.hosts.peers[SERVER]
        client = client or self.hosts.peers[CLIENT]
        server.start("accept", self.listen(port, server_mptcp, kind))
        out = client.connect(address or connect_to, port, mptcp=mptcp)
        session = Session(client, server, out, server.wait(), port)
        if exchange:
            session.exchange()
        return session

    def end(self):
        for peer in self.more_peers:
            peer.reset()
            peer.stop()
        for probe in self.probes:
            probe.close()
