#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Play exchanges against this kernel and write down what it did; runs in scripts/vm.

Usage: tests/fuzz/guest.py OUT SEED FIRST SEGMENTS VARIANT...

FIRST is the first exchange's number or, where SEGMENTS is 0, those of all, with commas.
Writes OUT/VARIANT, one line of JSON for each exchange. There is nothing to wait
for: the kernel answers a segment before the call that sends it returns, and
what is not answered by then is not answered at all.
"""
import ctypes
import errno
import gc
import json
import os
import pathlib
import socket
import struct
import sys
import zlib

sys.dont_write_bytecode = True
from exchange import (  # noqa: E402
    KIND, MOST_OPTIONS, TIMESTAMP, exchange, exchanges, segments_of)
from machine import Counters, Link, Program, address, listener  # noqa: E402
from packets import (  # noqa: E402
    ACK, FIN, MASK, RST, SYN, Segment, moved_edges, options, packet, parse)

PORT, MTU = 7000, 1500
MCL_CURRENT, MCL_FUTURE = 1, 2
HEAD = KIND << 24 | 0xcafe
ALWAYS = {"head": HEAD, "watch_at": 3, "watch_kind": KIND}
VARIANTS = {
    "none": None,
    "template": ALWAYS | {"set_at": 3, "set_length": 4, "set_where": 31},
    "one-run": ALWAYS | {"flags_at": 3, "flags": 1, "store_size": 4},
}
WARM_UP = 400  # segments; what they need of the host's files is in memory afterwards
# Of struct tcp_info: where a field is, and its format.
INFO = {"state": (0, "B"), "ca_state": (1, "B"), "retransmits": (2, "B"), "probes": (3, "B"),
        "options": (5, "B"), "scale": (6, "B"), "snd_mss": (16, "I"), "rcv_mss": (20, "I"),
        "unacked": (24, "I"), "sacked": (28, "I"), "lost": (32, "I"), "retrans": (36, "I"),
        "cwnd": (80, "I"), "advmss": (84, "I"), "total_retrans": (100, "I"),
        "bytes_acked": (120, "Q"), "bytes_received": (128, "Q"), "segs_out": (136, "I"),
        "segs_in": (140, "I"), "notsent": (144, "I"), "data_segs_in": (152, "I"),
        "data_segs_out": (156, "I")}
CLEAN = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


def pattern(first, count):
    return bytes((first + i) * 7 % 251 for i in range(count))


class Play:
    """One exchange: the peer's side of it, and the application's."""

    def __init__(self, link, one, turn):
        self.link, self.one = link, one
        # Another peer for each variant: the one before may have left a TIME_WAIT.
        self.family, self.index = one["family"], one["index"] + (turn << 20)
        self.port, self.listener, self.socket = PORT, None, None
        self.irs, self.seen, self.acked, self.stamp = None, 0, None, 0
        self.sent = 0
        self.log = []

    def segment(self, e):
        raw = b""
        for word in e["options"]:
            raw += self.timestamp(e) if word == TIMESTAMP else bytes.fromhex(word)
        if e.get("cut"):
            raw = raw[:-e["cut"]]
        raw = raw[:MOST_OPTIONS]
        raw += b"\x01" * (-len(raw) % 4)
        if e.get("offset", 15) * 4 >= 20 + len(raw):  # else part of it is data
            raw = moved_edges(raw, self.irs or 0)
        ack = (self.irs or 0) + self.seen + e["ack"] & MASK
        s = Segment(self.one["port"], self.port, self.one["first"] + e["seq"], ack, e["flags"],
                    e["window"], e.get("urgent", 0), raw,
                    pattern(e["seq"], min(e["size"], MTU - 60 - len(raw))))
        self.link.send(self.family, packet(self.family, self.index, s, e.get("wrong_sum", False),
                                           e.get("offset")))
        return self.answers(s.ack)

    def timestamp(self, e):
        value = 0x1000000 + len(self.log) - e.get("age", 0)
        # Where the header ends too early this is data, which is to be the same each time.
        echo = 0 if "offset" in e else self.stamp
        return b"\x01\x01\x08\x0a" + struct.pack("!II", value & MASK, echo)

    def answers(self, base=0):
        """What the kernel sent, in terms of the exchange."""
        found = []
        for data in self.link.received(self.family):
            s = parse(self.family, self.index, data)
            if not s or s.dport != self.one["port"]:
                continue
            if s.flags & SYN and not s.flags & RST and self.irs != s.seq:
                self.irs, self.port, self.seen = s.seq, s.sport, 0  # after TIME_WAIT again
            relative = s.seq - (self.irs or 0) & MASK
            if not s.flags & RST:
                end = relative + len(s.payload) + bool(s.flags & SYN) + bool(s.flags & FIN)
                self.seen = max(self.seen, end) if end < 1 << 31 else self.seen
            if s.flags & ACK and not s.flags & RST:
                self.acked = s.ack
            elif s.seq in (0, base):  # of a reset by who knows of no connection
                relative = "acknowledged" if s.seq == base else 0
            found.append([s.flags, relative,
                          s.ack - self.one["first"] & MASK if s.flags & ACK else s.ack, s.window,
                          s.urgent, [self.described(o) for o in options(s.options)],
                          len(s.payload), zlib.crc32(s.payload)])
        return found

    def described(self, option):
        kind, *value = option
        if kind == 8 and len(value[0]) == 8:
            self.stamp, echo = struct.unpack("!II", value[0])
            return [8, echo]
        if kind == 5:
            return [5, *(edge - self.one["first"] & MASK
                         for edge in struct.unpack(f"!{len(value[0]) // 4}I", value[0]))]
        return [kind, *(v.hex() if isinstance(v, bytes) else v for v in value)]

    def accept(self):
        if self.listener and not self.socket:
            try:
                self.socket = self.listener.accept()[0]
                self.prepare()
            except BlockingIOError:
                pass

    def prepare(self):
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def app(self, what, count):
        """The result of what the application does, or its error."""
        try:
            return getattr(self, what)(count)
        except OSError as error:
            return errno.errorcode[error.errno]

    def listen(self, _):
        self.listener = listener(self.family, PORT)
        return 0

    def connect(self, _):
        from packets import peer_address
        kind = socket.AF_INET if self.family == 4 else socket.AF_INET6
        self.socket = socket.socket(kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.prepare()
        self.socket.bind((address(self.family), 7001))
        self.socket.connect((socket.inet_ntop(kind, peer_address(self.family, self.index)),
                             self.one["port"]))
        return 0

    def send(self, count):
        self.accept()
        if not self.socket:
            return None
        count = self.socket.send(pattern(self.sent, count))
        self.sent += count
        return count

    def receive(self, count):
        self.accept()
        if not self.socket:
            return None
        data = self.socket.recv(count)
        return [len(data), zlib.crc32(data)]

    def shutdown(self, _):
        self.accept()
        return self.socket.shutdown(socket.SHUT_WR) if self.socket else None

    def close(self, _):
        self.accept()
        if self.socket:
            self.socket.close()
            self.socket = None
            self.listener = self.listener and self.listener.close()
        return None

    def info(self, _=0):
        raw = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return {name: struct.unpack_from("=" + form, raw, at)[0]
                for name, (at, form) in INFO.items()}

    def finish(self):
        """What there is in the end; nothing of it stays."""
        self.accept()
        end = {"accepted": self.socket is not None}
        if self.socket:
            end["info"] = self.app("info", 0)
            end["error"] = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            end["urgent"] = self.app("out_of_band", 0)
            end["data"] = []
            while True:
                data = self.app("receive", 1 << 20)
                end["data"].append(data)
                if not isinstance(data, list) or not data[0]:
                    break
        # An old byte: who still has the connection says what it has come to.
        probe = {"seq": 0, "flags": ACK, "size": 1, "window": 1000, "ack": 0,
                 "options": [TIMESTAMP]}
        end["probe"] = self.segment(probe)
        if self.acked is not None:
            reset = probe | {"seq": self.acked - self.one["first"], "flags": RST, "size": 0}
            end["reset"] = self.segment(reset)
        if self.socket:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLEAN)
            self.socket.close()
        if self.listener:
            self.listener.close()
        end["closed"] = self.answers()
        return end

    def out_of_band(self, _):
        # Which byte that is says little: where the pointer is wrong, one of the header.
        return len(self.socket.recv(1, socket.MSG_OOB))

    def run(self):
        for e in self.one["events"]:
            if "app" in e:
                result = [self.app(e["app"], e["count"]), self.answers()]
            else:
                result = self.segment(e)
            self.log.append(result)
        end = self.finish()
        return {"events": self.log, "end": end}


def play(link, counters, one, turn):
    result = Play(link, one, turn).run()
    result["counters"] = counters.moved()
    return result


def main(out, seed, first, count, *names):
    # The kernel's own threads go first: they answer before the next segment is sent.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    # A wait for the host's disk is a leap of the clock, and a timer of TCP that expires.
    gc.disable()
    ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE)
    link, counters = Link(), Counters()
    for turn, name in enumerate(names):
        program = Program(VARIANTS[name]) if VARIANTS[name] else None
        for one in exchanges("warm-up", 0x700000, WARM_UP):
            play(link, counters, one, turn)
        lines, done = [], 0
        for one in (exchanges(seed, int(first), int(count)) if int(count) else
                    [exchange(seed, int(number)) for number in first.split(",")]):
            lines.append(json.dumps({"index": one["index"], **play(link, counters, one, turn)},
                                    separators=(",", ":")))
            done += segments_of(one)
        pathlib.Path(out, name).write_text("\n".join(lines) + "\n", encoding="ascii")
        print(f"{name}: {len(lines)} exchanges, {done} segments", flush=True)
        if program:
            program.remove()


if __name__ == "__main__":
    main(*sys.argv[1:])
