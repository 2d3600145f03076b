# SPDX-License-Identifier: GPL-2.0-or-later
"""One end of an experiment's traffic: tests/vm/peer.py, and streams that are measured.

Run as `traffic.py NETNS`. Both ends have one clock, the guest's.
"""
import errno
import pathlib
import resource
import select
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm"))
import peer
from flows import Flows
from web import Web

FILES = 1 << 16  # sockets of one end
STAMP = struct.Struct("!Qd")  # bytes of the message, time at which it was given to the kernel


def received():
    """Bytes that each interface of this network namespace has received."""
    with open("/proc/self/net/dev", encoding="ascii") as file:
        lines = file.read().splitlines()[2:]
    return {name.strip(): int(rest.split()[0])
            for name, rest in (line.split(":") for line in lines)}


class Traffic(Flows, Web, peer.Sockets):
    def flood(self, sid, seconds):
        """As much as the connection takes; returns the bytes."""
        sock, end, sent = self.table[sid], time.monotonic() + seconds, 0
        sock.settimeout(60)
        block = bytes(1 << 16)
        while time.monotonic() < end:
            sent += sock.send(block)
        sock.shutdown(socket.SHUT_WR)
        return sent

    def stream(self, sid, seconds, size, interval):
        """A message of `size` bytes every `interval` seconds, each with its time."""
        sock, start = self.table[sid], time.monotonic()
        sock.settimeout(60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        count = round(seconds / interval)
        for n in range(count):
            time.sleep(max(0, start + n * interval - time.monotonic()))
            sock.sendall(STAMP.pack(size, time.monotonic()) + bytes(size - STAMP.size))
        sock.shutdown(socket.SHUT_WR)
        return count

    def drain(self, sid, every):
        """Read until the end; what came over each interface, every so many seconds."""
        sock, start = self.table[sid], time.monotonic()
        sock.setblocking(False)
        rows, last, n = [], received(), 0
        while True:
            n += 1
            while (left := start + n * every - time.monotonic()) > 0:
                if not select.select([sock], [], [], left)[0]:
                    continue
                if not sock.recv(1 << 18):
                    return rows
            now = received()
            rows.append([round(n * every, 3)] +
                        [now[name] - last[name] for name in ("eth0", "eth1")])
            last = now

    def delays(self, sid, epoch):
        """Read messages until the end; when each was sent after `epoch`, and how long it took."""
        sock, rows, data = self.table[sid], [], b""
        sock.settimeout(60)
        before = received()
        while True:
            more = sock.recv(1 << 16)
            if not more:
                return rows
            now, data = time.monotonic(), data + more
            counted = received()
            while len(data) >= STAMP.size:
                size, sent = STAMP.unpack_from(data)
                if len(data) < size:
                    break
                rows.append([sent - epoch, now - sent,
                             *(counted[name] - before[name] for name in ("eth0", "eth1"))])
                data = data[size:]

    def many(self, address, port, count):
        """So many sessions, one after the other, kept open."""
        return [self.connect(address, port, mptcp=True) for _ in range(count)]

    def take_many(self, sid, count):
        return [self.accept(sid, 60) for _ in range(count)]

    def exchange_byte(self, sids, first):
        """A byte each; the end that is `first` sends before it reads."""
        for sid in sids:
            sock = self.table[sid]
            sock.settimeout(60)
            if first:
                sock.send(b"x")
            sock.recv(1)
            if not first:
                sock.send(b"x")

    def close_ended(self):
        """Close the sockets that have an error; the number of those that timed out."""
        poll, names = select.poll(), {}
        for sid, sock in self.table.items():
            names[sock.fileno()] = sid
            poll.register(sock, 0)
        timed_out = 0
        for fd, _ in poll.poll(0):
            sock = self.table.pop(names[fd])
            timed_out += sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
            sock.close()
        return timed_out


if __name__ == "__main__":
    peer.Sockets = Traffic
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    peer.main()
