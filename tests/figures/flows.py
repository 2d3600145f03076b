# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends of TCP connections that transfer bytes, and what their kernel says of them."""
import contextlib
import selectors
import socket
import struct
import time

BLOCK = bytes(1 << 16)
STAMP = struct.Struct("!Qd")  # bytes of the message, time at which it was given to the kernel
# Offsets in struct tcp_info.
FIELDS = {"rtt": (68, "I"), "cwnd": (80, "I"), "retransmitted": (100, "I"),
          "segments_in": (140, "I"), "data_segments_out": (156, "I")}


def tcp_info(sock):
    data = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    return {name: struct.unpack_from("=" + kind, data, offset)[0]
            for name, (offset, kind) in FIELDS.items()}


def received():
    """Bytes that each interface of this network namespace has received."""
    with open("/proc/self/net/dev", encoding="ascii") as file:
        lines = file.read().splitlines()[2:]
    return {name.strip(): int(rest.split()[0])
            for name, rest in (line.split(":") for line in lines)}


def receive(sock):
    """What there is, and whether that was the end: the peer's, or a reset's."""
    try:
        data = sock.recv(1 << 18)
        return data, not data
    except BlockingIOError:
        return b"", False
    except OSError:
        return b"", True


def whole(data, took):
    """What is left of the data behind the messages that are complete; notes how long they took."""
    now = time.monotonic()
    while len(data) >= STAMP.size:
        size, sent = STAMP.unpack_from(data)
        if len(data) < size:
            break
        took.append(now - sent)
        data = data[size:]
    return data


class Flows:
    """Of traffic.Traffic. Times are those of the guest, which both ends have."""

    def accept_all(self, sid, count):
        return [self.accept(sid, 60) for _ in range(count)]

    def connect_all(self, address, port, count, mptcp=False):
        """One after the other."""
        return [self.connect(address, port, mptcp) for _ in range(count)]

    def pour(self, sids, start, seconds, every):
        """As much as the connections take. [[second, tcp_info of each]...], the last at the end."""
        samples, count = [], 0
        with selectors.DefaultSelector() as selector:
            for sid in sids:
                self.table[sid].setblocking(False)
                selector.register(self.table[sid], selectors.EVENT_WRITE)
            while count * every < seconds:
                left = start + (count + 1) * every - time.monotonic()
                if left <= 0:
                    count += 1
                    samples.append([round(count * every, 3),
                                    [tcp_info(self.table[sid]) for sid in sids]])
                    continue
                for key, _ in selector.select(left):
                    try:
                        key.fileobj.send(BLOCK)
                    except BlockingIOError:
                        pass  # room for less than the kernel takes
                    except OSError:
                        selector.unregister(key.fileobj)  # what came of it is to be seen
        for sid in sids:
            with contextlib.suppress(OSError):
                self.table[sid].shutdown(socket.SHUT_WR)
        return samples

    def say(self, sids, start, seconds, size, interval):
        """A message of `size` bytes every `interval` seconds, each with its time."""
        sock = self.table[sids[0]]
        sock.settimeout(60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(round(seconds / interval)):
            time.sleep(max(0, start + n * interval - time.monotonic()))
            sock.sendall(STAMP.pack(size, time.monotonic()) + bytes(size - STAMP.size))
        sock.shutdown(socket.SHUT_WR)

    def absorb(self, sids, start, every, messages=False):
        """Read until the end of all. Of each so many seconds: bytes that the application had,
        and by interface those that the host had; and how long each message took.
        """
        rows, took, taken, rest, before = [], [], 0, b"", received()
        with selectors.DefaultSelector() as selector:
            for sid in sids:
                self.table[sid].setblocking(False)
                selector.register(self.table[sid], selectors.EVENT_READ)
            while selector.get_map():
                left = start + (len(rows) + 1) * every - time.monotonic()
                if left <= 0:
                    now = received()
                    rows.append([taken, {name: now[name] - before[name] for name in now}])
                    taken, before = 0, now
                    continue
                for key, _ in selector.select(left):
                    data, ended = receive(key.fileobj)
                    taken += len(data)
                    if messages:
                        rest = whole(rest + data, took)
                    if ended:
                        selector.unregister(key.fileobj)
        return [rows, took]

    def answer(self, sid, count, size):
        """Accept so many connections, one after the other, and send each so many bytes."""
        data = bytes(size)  # now: it takes time, which is not the network's
        for _ in range(count):
            conn = self.accept(sid, 60)
            self.table[conn].sendall(data)
            self.close(conn)

    def ask(self, address, port, count, mptcp):
        """Connect and read until the end; how long each took."""
        took = []
        for _ in range(count):
            start = time.monotonic()
            conn = self.connect(address, port, mptcp)
            while self.table[conn].recv(1 << 18):
                pass
            took.append(time.monotonic() - start)
            self.close(conn)
        return took
