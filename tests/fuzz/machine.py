# SPDX-License-Identifier: GPL-2.0-or-later
"""A link to a peer that is us, and a kernel in which nothing depends on the time."""
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys

from packets import ETHERTYPE, KERNEL

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/vm"))
CGROUP = pathlib.Path("/sys/fs/cgroup")
NEAR, FAR = "fuzz0", "fuzz1"  # the kernel's end, and ours
# Nobody's, so that the stack lets alone what comes out at our end.
NOBODY, OWN = "02:00:00:00:00:01", "02:00:00:00:00:02"
SETTINGS = {
    # How long something took says nothing here: no timers within an exchange, no pace.
    "tcp_early_retrans": 0, "tcp_recovery": 0, "tcp_comp_sack_nr": 0, "tcp_congestion_control":
    "reno", "tcp_autocorking": 0, "tcp_no_metrics_save": 1, "tcp_moderate_rcvbuf": 0,
    "tcp_slow_start_after_idle": 0, "tcp_invalid_ratelimit": 0,
    "tcp_challenge_ack_limit": 0x7fffffff, "tcp_syncookies": 0,
}


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Link:
    def __init__(self):
        run("ip", "link", "add", NEAR, "address", OWN, "type", "veth", "peer", "name", FAR)
        for name in (NEAR, FAR):
            pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/accept_dad").write_text("0")
            run("ip", "link", "set", name, "up")
        for family, own, gateway, peers, bits in ((4, "10.9.1.2", "10.9.1.1", "10.128.0.0/9", 24),
                                                  (6, "fd09:1::2", "fd09:1::1", "fd77::/16", 64)):
            ip = ("ip", f"-{family}")
            run(*ip, "address", "add", f"{own}/{bits}", "dev", NEAR,
                *(["nodad"] if family == 6 else []))
            run(*ip, "neigh", "add", gateway, "lladdr", NOBODY, "nud", "permanent", "dev", NEAR)
            run(*ip, "route", "add", peers, "via", gateway, "dev", NEAR)
        for name, value in SETTINGS.items():
            pathlib.Path(f"/proc/sys/net/ipv4/{name}").write_text(str(value))
        self.sockets, self.heads = {}, {}
        for family, kind in ETHERTYPE.items():
            self.heads[family] = bytes.fromhex((OWN + NOBODY).replace(":", "")) \
                + struct.pack("!H", kind)
            self.sockets[family] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                                 socket.htons(kind))
            self.sockets[family].bind((FAR, kind))
            self.sockets[family].setblocking(False)

    def send(self, family, data):
        self.sockets[family].send(self.heads[family] + data)

    def received(self, family):
        while True:
            try:
                yield self.sockets[family].recv(65535)[14:]
            except BlockingIOError:
                return


def listener(family, port):
    s = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setblocking(False)
    s.bind((address(family), port))
    s.listen(16)
    return s


def address(family):
    return socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, KERNEL[family])


class Counters:
    """What moved of TCP's counters; that of options are not the stock kernel's."""

    def __init__(self):
        self.files = [os.open(f"/proc/net/{name}", os.O_RDONLY) for name in ("netstat", "snmp")]
        self.names = {}
        self.before = {}
        self.moved()

    def moved(self):
        result = {}
        for fd in self.files:
            lines = os.pread(fd, 65536, 0).split(b"\n")
            for title, line in zip(lines[::2], lines[1::2]):
                if not line.startswith((b"TcpExt:", b"Tcp:")):
                    continue
                key = title[:7]
                last, self.before[key] = self.before.get(key), line
                if last in (None, line):
                    continue
                names = title.decode().split()
                for name, old, new in zip(names, last.split(), line.split()):
                    if old != new and not name.startswith("TCPBPF"):
                        result[name] = int(new) - int(old)
        return result


class Program:
    """tests/vm/bpf/calls.bpf.c with these parameters, for all of this process."""

    def __init__(self, settings):
        from bpfmap import Map
        from libbpf import Object
        header = (ROOT / "tests/vm/bpf/calls.h").read_text()
        fields = re.findall(r"TCPOPT_PARAM\(__u32, (\w+), \"[^\"]*\", \w+, \w+, (\w+)", header)
        values = {name: int(default, 0) for name, default in fields} | settings
        assert len(values) == len(fields), settings
        build = pathlib.Path(os.environ.get("TCPOPT_BUILD", ROOT / "build"))
        self.object = Object(build / "test-progs/calls.bpf.o", ["calls"])
        if not self.object.load():
            sys.exit("tests/fuzz/guest.py: this kernel does not take build/test-progs/calls.bpf.o: "
                     "built from the same tree? run `make programs kernel`")
        params = Map.__new__(Map)
        params.fd, params.key_size = self.object.map_fd("params"), 4
        params.value_size = 4 * len(fields)
        params.set(0, struct.pack(f"={len(fields)}I", *(values[name] for name, _ in fields)))
        self.cgroup = CGROUP / "tcpopt-fuzz"
        self.cgroup.mkdir(exist_ok=True)
        self.object.attach("calls", self.cgroup)
        (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        self.object.close()
        (CGROUP / "cgroup.procs").write_text(str(os.getpid()))
