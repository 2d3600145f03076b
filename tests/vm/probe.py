# SPDX-License-Identifier: GPL-2.0-or-later
"""The program pmprobe: what it and its path manager were told, and orders for them.

The layouts are those of tests/vm/bpf/pmprobe.h and bpf-progs/tcpopt_mptcp.h.
"""
import ipaddress
import socket
import struct

from bpfmap import Map
from net import eventually

(NEW_SESSION, FULLY_ESTABLISHED, CLOSE_SESSION, TOLD_ADD_RADDR, TOLD_REM_RADDR, TOLD_SUB_CLOSED,
 TOLD_SUB_PRIORITY, WAKE) = range(0xd0, 0xd8)  # what programs of type sock_ops are told
(MANAGES, ANNOUNCED, ADD_RADDR, REM_RADDR, ADD_SOCK, SYNACK_RCV, SUB_CLOSED, SUB_PRIORITY,
 SUB_REQUEST, LADDR_UP, LADDR_DOWN, RECV, TIMER) = range(0xe0, 0xed)  # what a path manager is
PASSIVE_ESTABLISHED = 5
ACTIVE_ESTABLISHED = 4  # of all TCP sockets
OF_ALL = (NEW_SESSION, FULLY_ESTABLISHED, CLOSE_SESSION)  # sessions, claimed or not
NORMAL, FALLBACK, FASTCLOSE, ABORT = 1, 2, 3, 4  # CLOSE_SESSION
FIN, RST, TIMEOUT, LOCAL, FAILED = 1, 2, 3, 4, 5  # SUB_CLOSED
BACKUP, PEER_BACKUP, INITIAL, ESTABLISHED, ACTIVE, STALE = (1 << i for i in range(6))
SERVER_SIDE, FULLY, FELL_BACK, CSUM, DENY_JOIN_ID0, INET6 = (1 << i for i in range(6))
(OPEN, OPEN_SUBFLOW, CLOSE, SET_BACKUP, SIGNAL, WITHDRAW, DO_WAKE, CLAIM, LOAD, SCHEDULER,
 IDLE) = range(1, 12)

ADDR = struct.Struct("=H2sB3x16s")
SUBFLOW = struct.Struct("=IIII24s24s")
EVENT = struct.Struct("=I3IIIIIQQQiiiI64s")
ORDER = struct.Struct("=IIIIIIIIiI32s32s64s")
STATES = {1: "ESTAB", 2: "SYN-SENT", 3: "SYN-RECV", 7: "CLOSED"}


class Addr:
    """struct bpf_mptcp_addr."""

    def __init__(self, address=None, port=0, number=0, family=None):
        self.address = ipaddress.ip_address(address) if address else None
        self.port, self.id = port, number
        self.family = family if family is not None else (
            0 if not self.address else
            socket.AF_INET if self.address.version == 4 else socket.AF_INET6)

    @classmethod
    def unpack(cls, data):
        family, port, number, raw = ADDR.unpack(data)
        address = None
        if family == socket.AF_INET:
            address = ipaddress.ip_address(raw[:4])
        elif family == socket.AF_INET6:
            address = ipaddress.ip_address(raw)
            address = address.ipv4_mapped or address
        return cls(address, int.from_bytes(port, "big"), number, family)

    def pack(self):
        raw = self.address.packed if self.address else b""
        return ADDR.pack(self.family, self.port.to_bytes(2, "big"), self.id, raw)

    def __repr__(self):
        return f"{self.address}:{self.port}#{self.id}"


class Subflow:
    """struct bpf_mptcp_subflow."""

    def __init__(self, local=None, remote=None, flags=0, ifindex=0, number=0, state=0):
        self.local, self.remote = local or Addr(), remote or Addr()
        self.flags, self.ifindex, self.id, self.state = flags, ifindex, number, state

    @classmethod
    def unpack(cls, data):
        number, flags, ifindex, state, local, remote = SUBFLOW.unpack(data)
        return cls(Addr.unpack(local), Addr.unpack(remote), flags, ifindex, number, state)

    def pack(self):
        return SUBFLOW.pack(self.id, self.flags, self.ifindex, self.state, self.local.pack(),
                            self.remote.pack())

    def __repr__(self):
        return (f"<subflow {self.id} {self.local}>{self.remote} flags={self.flags:#x} "
                f"{STATES.get(self.state, self.state)}>")


class Event:
    def __init__(self, data):
        (self.op, *self.args, self.has_sk, self.loc_token, self.rem_token, self.flags,
         self.loc_key, self.rem_key, self.netns, self.claimed, self.loaded, self.first,
         self.walked, subflow) = EVENT.unpack(data)
        self.subflow = Subflow.unpack(subflow)

    def __repr__(self):
        return (f"\n<{self.op:#x} args={self.args} sk={self.has_sk} {self.loc_token:08x} "
                f"claimed={self.claimed} loaded={self.loaded} {self.subflow} "
                f"walked={self.walked}>")


def sockaddr(address, port=0, length=None):
    """struct sockaddr_in or _in6, cut or padded to `length`."""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        data = struct.pack("=H2s4s8x", socket.AF_INET, port.to_bytes(2, "big"), ip.packed)
    else:
        data = struct.pack("=H2s4x16s4x", socket.AF_INET6, port.to_bytes(2, "big"), ip.packed)
    return data if length is None else data.ljust(length, b"\0")[:length]


class Probe:
    def __init__(self, loader, cgroup, name="pmprobe", **params):
        self.loader, self.cgroup, self.name = loader, cgroup, name
        self.params = {"claim_at": NEW_SESSION, **params}
        loader.tell("attach", name, cgroup, self.params)
        maps = loader.bpffs / f"{name}@{cgroup.stat().st_ino}" / "maps"
        self.maps = {
            "events": Map(maps / "events", 0, EVENT.size),
            "orders": Map(maps / "orders", 4, ORDER.size),
            "walk": Map(maps / "walk", 4, SUBFLOW.size)}
        self.tick, self.ordered, self.told = 0, 0, []

    def close(self):
        for one in self.maps.values():
            one.close()

    def events(self, *ops, **fields):
        """All so far, or those of `ops` whose fields are as given."""
        while (data := self.maps["events"].pop()) is not None:
            self.told.append(Event(data))
        return [e for e in self.told if (not ops or e.op in ops)
                and all(getattr(e, key) == value for key, value in fields.items())]

    def wait(self, op, number=1, timeout=30.0, **fields):
        """The `number`-th event of that kind, once it is there."""
        try:
            found = eventually(
                lambda: len(found := self.events(op, **fields)) >= number and found,
                f"event {op:#x}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.events()}") from None
        return found[number - 1]

    def wake(self):
        """TIMER for all sessions of this network namespace, by the iterator."""
        self.tick += 1
        self.loader.tell("set", self.name, self.cgroup, {"tick": self.tick})

    def order(self, op, action, a=0, b=0, token=0, src=b"", dst=b"", subflow=None, src_len=None,
              dst_len=None):
        """Have `action` done in the next callback `op`; returns its number for result()."""
        number = self.ordered
        self.ordered += 1
        self.maps["orders"].set(number, ORDER.pack(
            1, op, token, action, a, b, len(src) if src_len is None else src_len,
            len(dst) if dst_len is None else dst_len, 0, 0, src, dst,
            (subflow or Subflow()).pack()))
        return number

    def done(self, number):
        return ORDER.unpack(self.maps["orders"].get(number))[0] == 2

    def result(self, number):
        """What the action returned, once it was done."""
        eventually(lambda: self.done(number), f"order {number}")
        return ORDER.unpack(self.maps["orders"].get(number))[8]

    def loaded(self, number):
        """What LOAD filled in."""
        return Subflow.unpack(ORDER.unpack(self.maps["orders"].get(number))[12])

    def now(self, action, **named):
        """Have it done in a TIMER that the iterator asks for; returns what it returned."""
        number = self.order(TIMER, action, **named)
        self.wake()
        return self.result(number)

    def walk(self):
        """The session's subflows, as a TIMER sees them. For tests with one session."""
        before = len(self.events(TIMER))
        self.wake()
        last = self.wait(TIMER, before + 1)
        return [Subflow.unpack(self.maps["walk"].get(i)) for i in range(last.walked)]
