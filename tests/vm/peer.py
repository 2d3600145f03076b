# SPDX-License-Identifier: GPL-2.0-or-later
"""One end of a connection: a process in a network namespace and a cgroup.

Run as `peer.py NETNS`; reads one JSON request a line, answers with one
JSON line. A process of its own, because a socket belongs to the cgroup of the
task that made it.
"""
import ctypes
import hashlib
import json
import os
import select
import socket
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
IPPROTO_MPTCP = 262
SO_NETNS_COOKIE = 71


def pattern(count):
    """Bytes that differ at each position modulo a prime, so that a shift shows."""
    block = bytes(i % 251 for i in range(251 * 64))
    return (block * (count // len(block) + 1))[:count]


class Sockets:
    def __init__(self):
        self.table = {}
        self.last = 0

    def add(self, sock):
        self.last += 1
        self.table[self.last] = sock
        return self.last

    def make(self, address, mptcp, options):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM,
                             IPPROTO_MPTCP if mptcp else 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for level, name, value in options:
            self._set(sock, level, name, value)
        return sock

    @staticmethod
    def _set(sock, level, name, value):
        sock.setsockopt(level, name,
                        bytes.fromhex(value) if isinstance(value, str) else value)

    def listen(self, address, port, mptcp=False, options=()):
        sock = self.make(address, mptcp, options)
        sock.bind((address, port))
        sock.listen(64)
        return self.add(sock)

    def accept(self, sid, timeout=20):
        sock = self.table[sid]
        sock.settimeout(timeout)
        conn, _ = sock.accept()
        return self.add(conn)

    def connect(self, address, port, mptcp=False, options=(), timeout=20):
        sock = self.make(address, mptcp, options)
        sock.settimeout(timeout)
        sock.connect((address, port))
        return self.add(sock)

    def local_port(self, sid):
        return self.table[sid].getsockname()[1]

    def send(self, sid, count, timeout=60, piece=None, pause=0):
        """In pieces, as an application that never has to wait for room."""
        sock, data = self.table[sid], pattern(count)
        sock.settimeout(timeout)
        for start in range(0, count, piece or count or 1):
            sock.sendall(data[start:start + (piece or count)])
            time.sleep(pause)
        return count

    def recv(self, sid, count, timeout=60):
        """Digest of exactly `count` bytes."""
        sock = self.table[sid]
        sock.settimeout(timeout)
        digest, left = hashlib.sha256(), count
        while left:
            data = sock.recv(min(left, 1 << 16))
            if not data:
                raise EOFError(f"{left} of {count} bytes missing")
            digest.update(data)
            left -= len(data)
        return digest.hexdigest()

    def recv_eof(self, sid, timeout=20):
        sock = self.table[sid]
        sock.settimeout(timeout)
        return len(sock.recv(1))

    def getopt(self, sid, level, name):
        return self.table[sid].getsockopt(level, name)

    def setopt(self, sid, level, name, value):
        self._set(self.table[sid], level, name, value)

    def wait_error(self, sid, timeout):
        """errno of the socket and the seconds it took, or null."""
        poll, start = select.poll(), time.monotonic()
        poll.register(self.table[sid], 0)
        if not poll.poll(timeout * 1000):
            return None
        err = self.table[sid].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return [err, time.monotonic() - start]

    def shutdown(self, sid):
        self.table[sid].shutdown(socket.SHUT_WR)

    def reconnect(self, sid, address, port, timeout=20):
        """The same socket, after connect() to nowhere ended what it had."""
        sock = self.table[sid]
        nowhere = struct.pack("=H14x", socket.AF_UNSPEC)
        if ctypes.CDLL(None, use_errno=True).connect(sock.fileno(), nowhere, len(nowhere)):
            raise OSError(ctypes.get_errno(), "connect")
        sock.settimeout(timeout)
        sock.connect((address, port))

    def close(self, sid):
        self.table.pop(sid).close()

    def reset(self):
        """Close all, without a trace on the wire of a later test, and leave the cgroup."""
        for sock in self.table.values():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        self.table.clear()
        self.join("/sys/fs/cgroup")

    @staticmethod
    def join(cgroup):
        """Sockets made from now on belong to this cgroup."""
        with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write("0")

    @staticmethod
    def netns_cookie():
        with socket.socket() as sock:
            return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8),
                                  sys.byteorder)

    @staticmethod
    def datagram(address, port, payload):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(bytes.fromhex(payload), (address, port))

    @staticmethod
    def netstat():
        """/proc/net/netstat of this namespace."""
        with open("/proc/self/net/netstat", encoding="ascii") as file:
            lines = file.read().splitlines()
        return {names.split(":")[0]: dict(zip(names.split()[1:], map(int, values.split()[1:])))
                for names, values in zip(lines[::2], lines[1::2])}


def main():
    fd = os.open(f"/run/netns/{sys.argv[1]}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    sockets = Sockets()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            method = getattr(sockets, request["op"])
            answer = {"value": method(*request["args"], **request["named"])}
        except (OSError, EOFError) as error:
            answer = {"error": str(error), "errno": getattr(error, "errno", None)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
