# SPDX-License-Identifier: GPL-2.0-or-later
"""The program mpopt: MPTCP options to send, and what was received and told.

The layouts are those of tests/vm/bpf/mpopt.h.
"""
import struct

from bpfmap import Map
from net import CLIENT, SERVER, eventually
from probe import WAKE

PARSE, DONE = 0xca, 0xcb
SENT, ACKED, ECHOED, LOST, MOVES = 1, 2, 3, 4, 5
UNTIL_ACKED, UNTIL_ECHOED = 1 << 8, 1 << 9
EXID = 0xfe01
(SEND, CLEAR, WATCH, CLOSE, BACKUP, OPEN) = range(1, 7)

EVENT = struct.Struct("=I3IIIii40s")
ORDER = struct.Struct("=IIIIIIIi40s")


def option(value=b"", exid=EXID, subtype=15, bits=0):
    """As a program gives it: without kind and length."""
    return bytes([subtype << 4 | bits]) + (exid.to_bytes(2, "big") if exid else b"") + value


class Event:
    def __init__(self, data):
        (self.op, *self.args, self.token, self.subflow, self.watched, self.length,
         raw) = EVENT.unpack(data)
        self.option = raw[:max(self.length, 0)]

    @property
    def value(self):
        return self.option[3:]

    def __repr__(self):
        return (f"\n<{self.op:#x} args={self.args} {self.token:08x} subflow={self.subflow} "
                f"watched={self.watched} {self.option.hex()}>")


class Options:
    """The program on one cgroup."""

    def __init__(self, loader, cgroup, name="mpopt", **params):
        self.loader, self.cgroup, self.name = loader, cgroup, name
        loader.tell("attach", name, cgroup, params)
        maps = loader.bpffs / f"{name}@{cgroup.stat().st_ino}" / "maps"
        self.queue = Map(maps / "events", 0, EVENT.size)
        self.orders = Map(maps / "orders", 4, ORDER.size)
        self.tick, self.ordered, self.told = 0, 0, []

    def close(self):
        self.queue.close()
        self.orders.close()

    def events(self, *ops):
        while (data := self.queue.pop()) is not None:
            self.told.append(Event(data))
        return [e for e in self.told if not ops or e.op in ops]

    def wait(self, op, number=1, timeout=30.0):
        """The `number`-th event of that kind, once it is there."""
        try:
            found = eventually(lambda: len(found := self.events(op)) >= number and found,
                               f"event {op:#x}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.events()}") from None
        return found[number - 1]

    def values(self):
        """Of the options that were received, in order."""
        return [e.value for e in self.events(PARSE)]

    def wait_values(self, values, timeout=30.0):
        try:
            eventually(lambda: len(self.values()) >= len(values), "options received", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.events()}") from None
        assert self.values() == values

    def order(self, action, a=0, b=0, opt=b"", op=WAKE, times=0, length=None):
        """Have it done in the next callback `op`; returns its number for result()."""
        number = self.ordered % 64
        self.ordered += 1
        self.orders.set(number, ORDER.pack(1, op, action, a, b,
                                           len(opt) if length is None else length, times, 0, opt))
        return number

    def wake(self):
        self.tick += 1
        self.loader.tell("set", self.name, self.cgroup, {"tick": self.tick})

    def result(self, number):
        eventually(lambda: ORDER.unpack(self.orders.get(number))[0] == 2, f"order {number}")
        return ORDER.unpack(self.orders.get(number))[7]

    def now(self, action, **named):
        """Have it done in a WAKE; returns what it returned."""
        number = self.order(action, **named)
        self.wake()
        return self.result(number)

    def send(self, value=b"", subflow=0, flags=0, opt=None):
        """Queue an option, which must be taken."""
        assert self.now(SEND, a=subflow, b=flags,
                        opt=option(value) if opt is None else opt) == 0


def both(mptcp, **params):
    """For a fixture: the test program at both ends."""
    found = [Options(mptcp.loader, mptcp.cgroups[name], **params)
             for name in (CLIENT, SERVER)]
    yield found
    for one in found:
        one.close()
