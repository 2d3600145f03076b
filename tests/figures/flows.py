# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends of TCP connections that transfer bytes, and what their kernel says of them."""
import selectors
import socket
import struct
import time

BLOCK = bytes(1 << 16)
# Offsets in struct tcp_info.
FIELDS = {"rtt": (68, "I"), "cwnd": (80, "I"), "retransmitted": (100, "I"),
          "segments_in": (140, "I"), "data_segments_out": (156, "I")}


def tcp_info(sock):
    data = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    return {name: struct.unpack_from("=" + kind, data, offset)[0]
            for name, (offset, kind) in FIELDS.items()}


class Flows:
    """Of traffic.Traffic. Times are those of the guest, which both ends have."""

    def accept_all(self, sid, count):
        return [self.accept(sid, 60) for _ in range(count)]

    def connect_all(self, address, port, count):
        return [self.connect(address, port) for _ in range(count)]

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
        for sid in sids:
            self.table[sid].shutdown(socket.SHUT_WR)
        return samples

    def absorb(self, sids, start, every):
        """Read until the end of all. Bytes in each period of so many seconds."""
        counts = [0]
        with selectors.DefaultSelector() as selector:
            for sid in sids:
                self.table[sid].setblocking(False)
                selector.register(self.table[sid], selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    data = key.fileobj.recv(1 << 18)
                    period = int((time.monotonic() - start) / every)
                    counts += [0] * (period + 1 - len(counts))
                    counts[period] += len(data)
                    if not data:
                        selector.unregister(key.fileobj)
        return counts

    def answer(self, sid, count, size):
        """Accept so many connections, one after the other, and send each so many bytes."""
        for _ in range(count):
            conn = self.accept(sid, 60)
            self.send(conn, size)
            self.close(conn)

    def ask(self, address, port, count):
        """Connect and read until the end; how long each took."""
        took = []
        for _ in range(count):
            start = time.monotonic()
            conn = self.connect(address, port)
            while self.table[conn].recv(1 << 18):
                pass
            took.append(time.monotonic() - start)
            self.close(conn)
        return took
