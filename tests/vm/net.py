# SPDX-License-Identifier: GPL-2.0-or-later
"""Test hosts, the peers on them, and what tshark saw between them.

Starting a program costs seconds in an emulated guest, so namespaces, peers,
tcpdump and tshark live as long as the session; a test gets them clean.
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

from peer import pattern

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT, SERVER, RAW = "client", "server", "raw"  # raw: see rawtcp.py
ADDRESS = {4: {CLIENT: "10.9.0.1", SERVER: "10.9.0.2"},
           6: {CLIENT: "fd09::1", SERVER: "fd09::2"}}
RAW_ADDRESS = "10.9.0.77"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MARK_PORT = 9


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def eventually(condition, what, timeout=30.0):
    """Wait, bounded, until `condition()` is true; return what it returned."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.05)


def digest(count):
    return hashlib.sha256(pattern(count)).hexdigest()


class PeerError(Exception):
    def __init__(self, answer):
        super().__init__(answer["error"])
        self.errno = answer["errno"]


class Peer:
    """A process of peer.py: `peer.connect(...)` runs Sockets.connect(...) there."""

    def __init__(self, netns):
        self.pending = False
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "peer.py"), netns],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, op, *args, **named):
        """Ask without waiting for the answer."""
        self.pending = True
        json.dump({"op": op, "args": args, "named": named}, self.process.stdin)
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def wait(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("peer died")
        self.pending = False
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer)
        return answer["value"]

    def __getattr__(self, op):
        def call(*args, **named):
            self.start(op, *args, **named)
            return self.wait()
        return call

    def stop(self):
        self.process.kill()
        self.process.wait()


class Hosts:
    """Two namespaces and a veth pair between them, `client` and `server`."""

    def __init__(self):
        for name in (CLIENT, SERVER):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "eth0", "netns", CLIENT, "type", "veth",
            "peer", "name", "eth0", "netns", SERVER)
        for name in (CLIENT, SERVER):
            # The RTT of a test with slow links is not the next one's first RTO.
            run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1")
            run("ip", "-n", name, "address", "add", ADDRESS[4][name] + "/24", "dev", "eth0")
            run("ip", "-n", name, "address", "add", ADDRESS[6][name] + "/64",
                "dev", "eth0", "nodad")
            # A link that goes down and up again keeps them.
            run("ip", "netns", "exec", name, "sysctl", "-qw",
                "net.ipv6.conf.eth0.keep_addr_on_down=1")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        self.peers = {name: Peer(name) for name in (CLIENT, SERVER)}
        self.wire = Wire(self)
        self.undo = []
        self.raw_peers = []
        self.begin()

    def begin(self):
        """Counters start at zero for this test."""
        self.baseline = {name: peer.netstat() for name, peer in self.peers.items()}

    def reset(self):
        """As it was for the next test: no socket, no cgroup held, no changed setting."""
        while self.raw_peers:
            self.raw_peers.pop().close()
        for name, peer in self.peers.items():
            # Where options were lost the kernel tries none for a while.
            if not peer.pending and self.moved(name, "TCPBPFOptLost"):
                run("ip", "-n", name, "tcp_metrics", "flush")
        for name, peer in self.peers.items():
            if peer.pending or peer.process.poll() is not None:
                # A test that failed did not wait for its answer.
                peer.stop()
                self.peers[name] = Peer(name)
            else:
                peer.reset()
        while self.undo:
            run(*self.undo.pop())

    def remove(self):
        self.wire.stop()
        for name, peer in self.peers.items():
            peer.stop()
            run("ip", "netns", "del", name)

    def sysctl(self, name, key, value):
        command = ["ip", "netns", "exec", name, "sysctl", "-qw"]
        old = run(*command[:-1], "-n", key).strip()
        self.undo.append([*command, f"{key}={old}"])
        run(*command, f"{key}={value}")

    def link(self, state):
        self.undo.append(["ip", "-n", CLIENT, "link", "set", "eth0", "up"])
        run("ip", "-n", CLIENT, "link", "set", "eth0", state)

    def offloads(self, on):
        """Without them each segment is a packet of its own."""
        for name in (CLIENT, SERVER):
            command = ["ip", "-n", name, "link", "set", "eth0", "gso_max_segs"]
            self.undo.append([*command, "65535"])
            run(*command, "65535" if on else "1")

    def aggregate(self):
        """The server's interface puts together what the client sends one by one (GRO).

        It waits a while for more, as a busy one would find more in its ring.
        """
        self.offloads(False)
        for name, feature, state in ((CLIENT, "tso", "off"), (SERVER, "gro", "on")):
            command = ["ip", "netns", "exec", name, "ethtool", "-K", "eth0", feature]
            self.undo.append([*command, "on" if state == "off" else "off"])
            run(*command, state)
        command = ["ip", "netns", "exec", SERVER, "sh", "-c",
                   'echo "$0" >/sys/class/net/eth0/gro_flush_timeout']
        self.undo.append([*command, "0"])
        run(*command, "2000000")  # ns

    def netem(self, name, *what):
        """Loss or delay of what this host sends."""
        command = ["tc", "-n", name, "qdisc"]
        self.undo.append([*command, "del", "dev", "eth0", "root"])
        run(*command, "add", "dev", "eth0", "root", "netem", *what)

    def peer(self, name, cgroup=None):
        if cgroup:
            self.peers[name].join(str(cgroup))
        return self.peers[name]

    def counter(self, name, key):
        """A TcpExt counter since the test began, by nstat's name without the prefix."""
        return self.peers[name].netstat()["TcpExt"][key] - self.baseline[name]["TcpExt"][key]

    def moved(self, name, key):
        """The same of one that this kernel may not have."""
        return self.peers[name].netstat()["TcpExt"].get(key) != \
            self.baseline[name]["TcpExt"].get(key)

    def capture(self):
        """Segments from now on, as the server's interface sees them."""
        return Capture(self.wire)


def wait_for_capture(tcpdump):
    """Until it says that it listens. It may name the link type first, and sets its filter after
    that: what is sent in between is lost, and nobody counts it.
    """
    for line in tcpdump.stderr:
        if "listening on" in line:
            return
    raise AssertionError("tcpdump ended")


class Wire:
    """tcpdump on the server's interface, and tshark that decodes what it wrote."""

    INTERFACE, SNAPLEN = "eth0", "160"
    FIELDS = ["ip.src", "ipv6.src", "tcp.flags", "tcp.len", "tcp.options", "frame.len",
              "frame.time_epoch",
              "tcp.options.user_to_granularity", "tcp.options.user_to_val",
              "tcp.options.tarr.rate"]

    def __init__(self, hosts):
        self.hosts = hosts
        self.path = tempfile.mktemp(suffix=".pcap")
        self.tcpdump = subprocess.Popen(
            ["ip", "netns", "exec", SERVER, "tcpdump", "-U", "--immediate-mode", "-Z", "root",
             "-B", "16384", "-s", self.SNAPLEN, "-i", self.INTERFACE, "-w", self.path,
             f"tcp or udp port {MARK_PORT}"],
            stderr=subprocess.PIPE, text=True)
        wait_for_capture(self.tcpdump)
        command = ["tshark", "-l", "-r", "-", "-T", "fields", "-E", "separator=|",
                   "-E", "occurrence=a", "-E", "aggregator=;"]
        for field in self.FIELDS:
            command += ["-e", field]
        self.tshark = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.file = None
        self.marks = 0

    def stop(self):
        for process in (self.tcpdump, self.tshark):
            process.kill()
            process.wait()
        os.unlink(self.path)

    def mark(self):
        """All packets up to now: a marker goes over the link and is waited for."""
        self.marks += 1
        # Each capture sees the markers of all.
        marker = b"tcpopt-mark-%x-%d." % (id(self), self.marks)
        packets, sent = [], 0

        def send():
            """Once a second: the first may be lost while a neighbour is looked for."""
            nonlocal sent
            if time.monotonic() > sent + 1:
                sent = time.monotonic()
                self.hosts.peers[CLIENT].datagram(ADDRESS[4][SERVER], MARK_PORT, marker.hex())

        send()
        if not self.file:
            eventually(lambda: os.path.exists(self.path) and os.path.getsize(self.path) >= 24,
                       "tcpdump's file")
            self.file = open(self.path, "rb")
            self.tshark.stdin.write(self.file.read(24))
        while True:
            packet = self._packet(send)
            if marker in packet:
                return packets
            if b"tcpopt-mark-" not in packet:
                packets.append(packet)

    def _packet(self, meanwhile):
        def take(count):
            data = b""

            def more():
                nonlocal data
                meanwhile()
                data += self.file.read(count - len(data))
                return len(data) == count
            eventually(more, "a packet in tcpdump's file")
            return data
        header = take(16)
        return header + take(struct.unpack("=IIII", header)[2])

    def decode(self, packets):
        lines = []
        for packet in packets:
            self.tshark.stdin.write(packet)
            self.tshark.stdin.flush()
            lines.append(self.tshark.stdout.readline().decode().rstrip("\n"))
        return [dict(zip(self.FIELDS, line.split("|"))) for line in lines]


class Capture:
    def __init__(self, wire):
        self.wire = wire
        wire.mark()

    def segments(self):
        """The segments since the start of the capture, as tshark decodes them."""
        names = {address: name for family in ADDRESS.values()
                 for name, address in family.items()} | {RAW_ADDRESS: RAW}
        result = []
        for values in self.wire.decode(self.wire.mark()):
            source = values["ip.src"] or values["ipv6.src"]
            if source in names and values["tcp.flags"]:
                result.append(Segment(
                    source=names[source], flags=int(values["tcp.flags"], 16) & 0x3f,
                    payload=int(values["tcp.len"]), frame=int(values["frame.len"]),
                    time=float(values["frame.time_epoch"]),
                    options=bytes.fromhex(values["tcp.options"].replace(":", "")),
                    minutes=values["tcp.options.user_to_granularity"] in ("1", "True"),
                    timeout=values["tcp.options.user_to_val"],
                    rate=values["tcp.options.tarr.rate"]))
        return result


class Segment:
    def __init__(self, **values):
        self.__dict__.update(values)

    def __repr__(self):
        return (f"<{self.source} flags={self.flags:#x} payload={self.payload} "
                f"options={self.options.hex()}>")

    def option(self, kind):
        """Values of the options of a kind, in order."""
        found, rest = [], self.options
        while rest and rest[0] != 0:
            if rest[0] == 1:
                rest = rest[1:]
                continue
            assert len(rest) >= 2 and 2 <= rest[1] <= len(rest), f"malformed {self}"
            if rest[0] == kind:
                found.append(rest[2:rest[1]])
            rest = rest[rest[1]:]
        return found
