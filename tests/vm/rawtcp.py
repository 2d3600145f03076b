# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP peer of a few lines that puts any bytes into the option field.

It lives at an address of its own behind the client's interface, which the
client's kernel does not know as its own and therefore leaves alone.
"""
import ctypes
import os
import socket
import struct
import time

from net import ADDRESS, CLIENT, RAW_ADDRESS, SERVER, ACK, FIN, PSH, RST, SYN, run

CLONE_NEWNET = 0x40000000
ETH_P_IP = 0x0800
PORT = 41000
MSS, SACK_OK, WINDOW = b"\x02\x04\x05\xb4", b"\x04\x02", 65535
FIRST = 100_000  # sequence number


def in_netns(name, make):
    """What `make()` returns in the network namespace; a socket stays there."""
    libc = ctypes.CDLL(None, use_errno=True)
    own, other = (os.open(path, os.O_RDONLY) for path in ("/proc/self/ns/net", f"/run/netns/{name}"))
    try:
        if libc.setns(other, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return make()
        finally:
            libc.setns(own, CLONE_NEWNET)
    finally:
        os.close(own)
        os.close(other)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def hardware_address(name):
    return run("ip", "netns", "exec", name, "cat", "/sys/class/net/eth0/address").strip()


class RawPeer:
    port = PORT

    def __init__(self, hosts, remote):
        self.remote = remote
        mac = {name: hardware_address(name) for name in (CLIENT, SERVER)}
        run("ip", "-n", SERVER, "neigh", "replace", RAW_ADDRESS, "lladdr", mac[CLIENT],
            "nud", "permanent", "dev", "eth0")
        if not hosts.raw_peers:
            hosts.undo.append(["ip", "-n", SERVER, "neigh", "del", RAW_ADDRESS, "dev", "eth0"])
        self.sock = in_netns(CLIENT, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                                           socket.htons(ETH_P_IP)))
        self.sock.bind(("eth0", ETH_P_IP))
        self.to = ("eth0", ETH_P_IP, 0, 0, bytes.fromhex(mac[SERVER].replace(":", "")))
        self.renew()
        hosts.raw_peers.append(self)

    def renew(self):
        """Another connection; the one before may still be open at the server."""
        RawPeer.port += 1
        self.local = RawPeer.port
        self.next, self.acked, self.taken = FIRST, 0, 0
        self.options, self.source = b"", 0  # of what was received last

    def free(self, flags, options=b"", payload=b"", seq=None, ack=None, window=WINDOW):
        """One segment exactly as given; nothing is counted on."""
        addresses = socket.inet_aton(RAW_ADDRESS) + socket.inet_aton(ADDRESS[4][SERVER])
        header = struct.pack("!HHIIBBHHH", self.local, self.remote,
                             self.next if seq is None else seq,
                             self.acked if ack is None else ack,
                             (20 + len(options)) // 4 << 4, flags, window, 0, 0)
        segment = header + options + payload
        pseudo = addresses + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment))
        segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64,
                         socket.IPPROTO_TCP, 0) + addresses
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        self.sock.sendto(ip + segment, self.to)

    def send(self, flags, options=b"", payload=b""):
        """The next segment. Options are filled up with NOPs."""
        options += b"\x01" * (-len(options) % 4)
        assert len(options) <= 40
        self.free(flags, options, payload)
        self.next += len(payload) + bool(flags & (SYN | FIN))

    def receive(self, wanted, timeout=20):
        """The next segment that `wanted(flags, ack, payload)` says yes to; its sequence number."""
        end = time.monotonic() + timeout
        while True:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            packet = self.sock.recv(65535)
            at = (packet[0] & 15) * 4
            if packet[9] != socket.IPPROTO_TCP or packet[16:20] != socket.inet_aton(RAW_ADDRESS):
                continue
            source, target, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", packet, at)
            if target != self.local or self.remote not in (None, source):
                continue
            self.source = source
            data = at + (offset >> 4) * 4
            size = struct.unpack_from("!H", packet, 2)[0] - data
            self.acked = max(self.acked, seq + size + bool(flags & (SYN | FIN)))
            self.taken = max(self.taken, ack)
            self.options = packet[at + 20:data]
            if wanted(flags, ack, size):
                return seq

    def flight(self):
        """Segments of data that come unacknowledged, until one is sent again."""
        seen = set()
        while True:
            seq = self.receive(lambda flags, ack, size: size)
            if seq in seen:
                return len(seen)
            seen.add(seq)

    def connect(self, syn=b"", ack=b""):
        self.send(SYN, MSS + syn)
        self.receive(lambda flags, _, __: flags & SYN)
        self.send(ACK, ack)

    def connect_if_taken(self, options):
        """With a SYN of nothing but these options; was it taken?

        A second one follows, from before the first one's window: it connects if
        the first was dropped, and else is of no account.
        """
        first = self.next
        self.send(SYN, options)
        self.next = first - WINDOW
        self.send(SYN, MSS)
        self.receive(lambda flags, _, __: flags & SYN)
        self.next = self.taken
        self.send(ACK)
        return self.taken == first + 1

    def probe(self):
        """The sequence number that the server has come to.

        It gets a byte that it has and says so at once, with a D-SACK of that byte;
        what was sent before it has processed by then. Takes SACK_OK in the SYN.
        """
        ahead, self.next = self.next, self.taken - 1
        seen = struct.pack("!II", self.next, self.taken)
        self.send(ACK, payload=b"\0")
        self.next = ahead
        self.receive(lambda _, __, ___: seen in self.options)
        return self.taken

    def is_reset(self):
        """Is there no connection any more? If there is, it gets a byte of data."""
        self.send(ACK | PSH, payload=b"\0")
        end, reset = self.next, False

        def answer(flags, ack, _):
            nonlocal reset
            reset = bool(flags & RST)
            return reset or ack == end
        self.receive(answer)
        return reset

    def data(self, count=100, options=b"", push=True, may_be_dropped=False):
        """Data that the server has acknowledged when this returns.

        With TCP-MD5 or TCP-AO built in, Linux drops a segment whose options it
        cannot walk: then the data is sent again without them.
        """
        flags = ACK | PSH if push else ACK
        start = self.next
        self.send(flags, options, bytes(count))
        try:
            self._await_ack(1 if may_be_dropped else 20)
        except TimeoutError:
            if not may_be_dropped:
                raise
            self.next = start
            self.send(flags, b"", bytes(count))
            self._await_ack(20)

    def burst(self, count, size):
        """Segments of data, of which the last is acknowledged when this returns."""
        for _ in range(count):
            self.send(ACK, payload=bytes(size))
        self._await_ack(20)

    def _await_ack(self, timeout):
        self.receive(lambda flags, ack, _: not flags & RST and ack == self.next, timeout)

    def close(self):
        """With a reset, so that the server's socket does not wait for more."""
        if self.sock.fileno() >= 0:
            self.send(RST | ACK)
            self.sock.close()
