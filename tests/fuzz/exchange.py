# SPDX-License-Identifier: GPL-2.0-or-later
"""Exchanges with a kernel, each a pure function of a seed and a number.

An exchange is a list of events: a segment of the peer, or what the application
does. It begins as one that a well-behaved peer might have; then it is mutated.
Sequence numbers count from the peer's SYN, acknowledgements from the end of what
the kernel has sent so far.
"""
import random

from packets import ACK, FIN, PSH, RST, SYN, URG

KIND = 0x66  # what the programs send and watch
MOST_OPTIONS = 40


def option(kind, value=b""):
    return (bytes([kind, 2 + len(value)]) + value).hex()


MSS, SACK, SCALE = option(2, b"\x05\xb4"), option(4), option(3, b"\x07")
TIMESTAMP = "timestamp"  # filled in when it is sent, as it echoes


class Script:
    """Writes an exchange as it should be."""

    def __init__(self, r):
        self.r, self.events, self.next = r, [], 0
        self.timestamps = r.random() < 0.6
        self.hole = 0

    def app(self, what, count=0):
        self.events.append({"app": what, "count": count})

    def segment(self, flags, size=0, seq=None, **more):
        options = [TIMESTAMP] if self.timestamps else []
        event = {"seq": self.next if seq is None else seq, "flags": flags, "size": size,
                 "window": self.r.choice((65535, 5000, 502)), "options": options, "ack": 0} | more
        self.events.append(event)
        if seq is None:
            self.next += size + bool(flags & SYN) + bool(flags & FIN)

    def syn(self, flags=SYN, chance=0.85):
        chosen = [o for o in (MSS, SACK, SCALE) if self.r.random() < chance]
        chosen += [TIMESTAMP] if self.timestamps else []
        self.segment(flags, options=chosen)

    def size(self):
        return self.r.choice((1, 4, 10, 10, 100, 100, 536, 1400))

    def body(self, count):
        for _ in range(count):
            what = self.r.choice(("data", "data", "data", "data", "ahead", "ahead", "ack", "acks",
                                  "send", "send", "receive", "probe", "urgent", "old"))
            if what == "data":
                self.segment(ACK | self.r.choice((0, PSH)), self.size())
            elif what == "ahead":
                self.segment(ACK | PSH, self.size(), self.next + self.r.choice((1, 4, 100, 1400)))
            elif what == "ack":
                self.segment(ACK)
            elif what == "acks":
                for _ in range(self.r.choice((2, 3, 4))):
                    self.segment(ACK, ack=-self.r.choice((0, 10, 100)))
            elif what in ("send", "receive"):
                self.app(what, self.r.choice((1, 10, 100, 400)))
            elif what == "probe":
                self.segment(ACK, seq=self.next - 1)
            elif what == "urgent":
                self.segment(ACK | URG, self.size(), urgent=self.r.choice((0, 1, 5, 2000)))
            else:
                self.segment(ACK, self.size(), max(1, self.next - self.r.choice((1, 10, 100))))

    def end(self):
        """By whom the connection is closed, and how far it gets."""
        ways = {"open": "", "close-wait": "f", "last-ack": "fc", "last-ack-acked": "fca",
                "fin-wait-1": "s", "fin-wait-2": "sa", "half-closed": "sad", "closing": "sF",
                "closing-acked": "sFa", "time-wait": "saf", "time-wait-again": "saff",
                "reset": "r", "orphan": "c", "orphan-acked": "cad", "orphan-fin": "caf",
                "both": "fda", "syn": "y"}
        self.way = self.r.choice(sorted(ways))
        for step in ways[self.way]:
            if step == "f":
                self.segment(FIN | ACK, self.r.choice((0, 0, 10)))
            elif step == "F":
                self.segment(FIN | ACK, ack=-1)
            elif step in "cs":
                self.app({"c": "close", "s": "shutdown"}[step])
            elif step == "a":
                self.segment(ACK)
            elif step == "d":
                self.segment(ACK | PSH, self.size())
            elif step == "r":
                self.segment(RST | self.r.choice((0, ACK)))
            else:
                self.syn()


def passive(s):
    s.app("listen")
    s.syn()
    if s.r.random() < 0.85:
        s.segment(ACK, s.r.choice((0, 0, 0, 10)))
    s.body(s.r.randint(3, 9))
    s.end()
    s.body(s.r.randint(0, 3))


def active(s):
    s.app("connect")
    s.syn(s.r.choice((SYN | ACK, SYN | ACK, SYN | ACK, SYN)))
    s.segment(ACK)
    s.body(s.r.randint(2, 6))
    s.end()


def closed(s):
    s.syn()
    s.segment(ACK)
    s.body(s.r.randint(1, 3))


def some_option(r):
    """As bytes; not all of them well-formed."""
    kind = r.choice((KIND, KIND, KIND, 0, 1, 2, 3, 4, 5, 8, 19, 29, 30, 34, 253, 254,
                     r.randrange(256)))
    length = r.choice((2, 3, 4, 4, 6, 10, 18, 26, 0, 1, 40, r.randrange(256)))
    return (bytes([kind, length]) + r.randbytes(max(0, min(length, 38) - 2))).hex()


def mutate_options(r, e):
    what = r.randrange(7)
    known = e["options"]
    if what == 0:
        e["options"] = known + [some_option(r) for _ in range(r.choice((1, 1, 2, 5)))]
    elif what == 1:
        e["options"] = [some_option(r)] + known
    elif what == 2:
        e["options"] = known + ["01" * r.choice((1, 3, 4, 4, 8, 20))]
    elif what == 3:
        e["options"] = []
    elif what == 4:
        e["options"] = [r.randbytes(r.randrange(1, MOST_OPTIONS + 1)).hex()]
    elif what == 5:
        e["age"] = r.choice((1, 100, 1 << 20, -1, -1 << 20, 1 << 31))
    else:
        e["cut"] = r.randrange(1, 12)  # bytes off the end of the options


def mutate_flags(r, e):
    e["flags"] = r.choice((0, 0, PSH, FIN, SYN, RST, SYN | ACK, FIN | ACK, RST | ACK, SYN | FIN,
                           URG | ACK, 0x1ff, e["flags"] ^ 1 << r.randrange(9), r.randrange(512)))


def mutate_window(r, e):
    e["window"] = r.choice((0, 0, 1, 16, 65535, r.randrange(65536)))


def mutate_seq(r, e):
    e["seq"] += r.choice((-1, 1, -10, 10, -100, 100, 3000, -3000, 65535, -65535, 1 << 20, 1 << 31,
                          r.randrange(1 << 32)))


def mutate_ack(r, e):
    e["ack"] += r.choice((-1, 1, -10, 10, -100, 1000, 65535, -65536, 1 << 20, 1 << 31,
                          r.randrange(1 << 32)))


def mutate_size(r, e):
    e["size"] = r.choice((0, 1, 4, 1, 1460, 1400, 3))


def mutate_rest(r, e):
    key, values = r.choice((("offset", (0, 4, 5, 6, 15)), ("wrong_sum", (True,)),
                            ("urgent", (1, 3, 60000))))
    e[key] = r.choice(values)


def mutate_bare(r, e):
    """Nothing that says what it is, with a header that is longer than it need be."""
    e["flags"], e["window"] = r.choice((0, 0, PSH)), r.choice((0, 0, 0, 1))
    e["options"] = e["options"] + [r.choice(("01010101", option(KIND, b"\0\0"), "01010100", ""))]
    e["size"] = e["size"] or 4


EACH = (mutate_options, mutate_options, mutate_options, mutate_flags, mutate_flags, mutate_window,
        mutate_seq, mutate_ack, mutate_size, mutate_rest, mutate_bare, mutate_bare)


def mutated(r, events):
    """The same in another order, some of them twice, lost, or changed."""
    result = []
    for event in events:
        dice = r.random()
        if event is events[1]:  # most come beyond the SYN
            dice *= 3
        if "app" in event or dice > 0.45:
            result.append(event)
        elif dice < 0.03:
            result += [event, event]
        elif dice < 0.06 and result and "app" not in result[-1]:
            result.insert(-1, event)
        elif dice < 0.09:
            continue
        else:
            other = dict(event)
            for _ in range(r.choice((1, 1, 1, 2, 3))):
                r.choice(EACH)(r, other)
            # Beside the one that it was, or instead of it.
            result += r.choice(([other], [other, event], [event, other]))
    return result


def exchange(seed, index):
    r = random.Random(f"{seed}:{index}")
    script = Script(r)
    how = r.choice((passive,) * 8 + (active, closed))
    how(script)
    return {"index": index, "family": r.choice((4, 6)), "how": how.__name__,
            "way": getattr(script, "way", ""), "port": r.randrange(1024, 65536),
            "first": r.choice((r.randrange(1 << 32), 0xffffff00)),
            "events": mutated(r, script.events)}


def segments_of(exchanged):
    return sum("app" not in event for event in exchanged["events"])


def exchanges(seed, first, segments):
    """From number `first` on, until they have so many segments."""
    while segments > 0:
        one = exchange(seed, first)
        segments -= segments_of(one)
        first += 1
        yield one
