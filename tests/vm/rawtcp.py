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

from net import ADDRESS, CLIENT, SERVER, ACK, FIN, PSH, RST, SYN, run

CLONE_NEWNET = 0x40000000
ETH_P_IP = 0x0800
FROM, PORT = "10.9.0.77", 41000
MSS, WINDOW = b"\x02\x04\x05\xb4", 65535


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
        RawPeer.port += 1  # the one before may still be open at the server
        self.local = RawPeer.port
        mac = {name: hardware_address(name) for name in (CLIENT, SERVER)}
        run("ip", "-n", SERVER, "neigh", "replace", FROM, "lladdr", mac[CLIENT],
            "nud", "permanent", "dev", "eth0")
        hosts.undo.append(["ip", "-n", SERVER, "neigh", "del", FROM, "dev", "eth0"])
        self.sock = in_netns(CLIENT, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                                           socket.htons(ETH_P_IP)))
        self.sock.bind(("eth0", ETH_P_IP))
        self.to = ("eth0", ETH_P_IP, 0, 0, bytes.fromhex(mac[SERVER].replace(":", "")))
        self.next, self.acked = 1000, 0
        hosts.raw_peers.append(self)

    def send(self, flags, options=b"", payload=b""):
        """One segment. Options are filled up with NOPs."""
        options += b"\x01" * (-len(options) % 4)
        assert len(options) <= 40
        addresses = socket.inet_aton(FROM) + socket.inet_aton(ADDRESS[4][SERVER])
        header = struct.pack("!HHIIBBHHH", self.local, self.remote, self.next, self.acked,
                             (20 + len(options)) // 4 << 4, flags, WINDOW, 0, 0)
        segment = header + options + payload
        pseudo = addresses + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment))
        segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64,
                         socket.IPPROTO_TCP, 0) + addresses
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        self.sock.sendto(ip + segment, self.to)
        self.next += len(payload) + bool(flags & (SYN | FIN))

    def receive(self, wanted, timeout=20):
        """The next segment that `wanted(flags, ack, payload)` says yes to; its sequence number."""
        end = time.monotonic() + timeout
        while True:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            packet = self.sock.recv(65535)
            at = (packet[0] & 15) * 4
            if packet[9] != socket.IPPROTO_TCP or packet[16:20] != socket.inet_aton(FROM):
                continue
            source, target, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", packet, at)
            if (source, target) != (self.remote, self.local):
                continue
            size = struct.unpack_from("!H", packet, 2)[0] - at - (offset >> 4) * 4
            self.acked = max(self.acked, seq + size + bool(flags & (SYN | FIN)))
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

    def _await_ack(self, timeout):
        self.receive(lambda flags, ack, _: not flags & RST and ack == self.next, timeout)

    def close(self):
        """With a reset, so that the server's socket does not wait for more."""
        if self.sock.fileno() >= 0:
            self.send(RST | ACK)
            self.sock.close()
