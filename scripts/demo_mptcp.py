# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo of MPTCP path managers: two applications of one host with a policy
each, and an interface that goes down and comes back.
"""
import hashlib
import os
import subprocess
import time

from demo_common import CTL, check, inside, make_cgroup, start_nginx
from mptcp import Sf
from net import ADDRESS, CLIENT, SERVER, eventually, run
from paths import SECOND, Paths, on

PORT = 7100
RATES = {"eth0": 8, "eth1": 4}  # Mbit/s
INTERFACE = {ADDRESS[4][CLIENT]: "eth0", SECOND[4][CLIENT]: "eth1"}
SIZES = {"fullmesh": 6_000_000, "ndiffports": 2_500_000}
SETTINGS = {"fullmesh": [], "ndiffports": ["--set", "subflows=3"]}
ENOUGH = 300_000  # bytes that show that a path is used


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


class Download:
    """curl under one path manager, and what each of its subflows brought so far."""

    def __init__(self, name, directory):
        self.name, self.directory = name, directory
        self.received = {}  # (interface, port): bytes, of those that are gone, too
        self.live = []  # the established ones
        self.cgroup = make_cgroup(name)
        content = os.urandom(SIZES[name])
        (directory / name).write_bytes(content)
        self.digest = hashlib.sha256(content).digest()
        run(CTL, "attach", name, "--cgroup", str(self.cgroup), *SETTINGS[name])

    def start(self):
        self.curl = inside(CLIENT, self.cgroup, "mptcpize", "run", "curl", "-s", "-o",
                           str(self.directory / f"{self.name}.got"),
                           f"http://{ADDRESS[4][SERVER]}:{PORT}/{self.name}")

    def ss(self, *options):
        """What ss shows of the sockets of this application. The namespace alone is
        entered: `ip netns exec` would hide the cgroup.
        """
        return run("nsenter", f"--net=/run/netns/{CLIENT}", "ss", "-Hn", *options, "state",
                   "established", "cgroup", str(self.cgroup))

    def look(self):
        lines = self.ss("-tiO").splitlines()
        self.live = []
        for sf in (Sf([f"ESTAB {line}"]) for line in lines):
            if sf.mptcp and sf.local in INTERFACE:
                self.live.append((INTERFACE[sf.local], sf.lport))
                self.received[self.live[-1]] = sf.received
        return self

    def over(self, interface):
        return sum(count for key, count in self.received.items() if key[0] == interface)

    def on(self, interface):
        return [key for key in self.live if key[0] == interface]

    def show(self):
        _, _, here, there = self.ss("-M").split()[:4]
        print(f"  {self.name:11}{here} -> {there}, {len(self.live)} subflows:")
        for interface, port in self.live:
            print(f"             {interface} port {port:6}{megabytes(self.received[interface, port]):>8}")

    def whole(self):
        """Waits for the rest of it."""
        self.curl.wait(120)
        with open(self.directory / f"{self.name}.got", "rb") as file:
            return hashlib.file_digest(file, "sha256").digest() == self.digest


def make_paths():
    """eth1 beside eth0, both shaped; the routes are those of a host with two uplinks."""
    run("ip", "link", "add", "eth1", "netns", CLIENT, "type", "veth",
        "peer", "name", "eth1", "netns", SERVER)
    for name in (CLIENT, SERVER):
        run("ip", "-n", name, "address", "add", f"{SECOND[4][name]}/24", "dev", "eth1")
        run("ip", "-n", name, "link", "set", "eth1", "up")
        for interface, rate in RATES.items():
            run("tc", "-n", name, "qdisc", "add", "dev", interface, "root", "netem",
                "rate", f"{rate}mbit", "delay", "10ms", "limit", "200")
    run("ip", "-n", CLIENT, "rule", "add", "from", SECOND[4][CLIENT], "table", "101")
    route_second()


def route_second():
    """It goes with the interface; on a real host DHCP puts it back."""
    run("ip", "-n", CLIENT, "route", "replace", "default", "via", SECOND[4][SERVER], "dev", "eth1",
        "table", "101")


def flap(mesh):
    """Take eth1 away in mid-download and give it back."""
    before = mesh.over("eth0")
    run("ip", "-n", CLIENT, "link", "set", "eth1", "down")
    eventually(lambda: not mesh.look().on("eth1") and mesh.over("eth0") > before + ENOUGH,
               "the download to go on without eth1")
    without = len(mesh.live), mesh.over("eth0") - before
    old = {key for key in mesh.received if key[0] == "eth1"}
    run("ip", "-n", CLIENT, "link", "set", "eth1", "up")
    route_second()
    back = time.monotonic()
    new = eventually(lambda: set(mesh.look().on("eth1")) - old, "a new subflow on eth1").pop()
    took = time.monotonic() - back
    eventually(lambda: mesh.look().received[new] > ENOUGH, "data over it")
    return without, took, new


def demo(hosts, directory):
    """True if all went as it should."""
    make_paths()
    nginx = start_nginx(directory, make_cgroup("web"), PORT, prefix=("mptcpize", "run"))
    mesh, ports = downloads = [Download(name, directory) for name in SIZES]
    for download in downloads:
        download.start()
    eventually(lambda: mesh.look().over("eth1") > ENOUGH and mesh.over("eth0") > ENOUGH
               and ports.look().over("eth0") > ENOUGH and len(ports.live) == 3, "both to be under way")
    print("\nMPTCP, two downloads over " + " and ".join(
        f"{interface} ({rate} Mbit/s)" for interface, rate in RATES.items())
          + ", a path manager for each cgroup (ss -M, ss -ti):")
    for download in downloads:
        download.show()
    print("\neth1 goes down in mid-download, and comes back:", flush=True)
    (left, more), took, new = flap(mesh)
    results = [
        check(left == 1, f"fullmesh went on with {left} subflow: {megabytes(more)} more over eth0"),
        check(took < 5, f"it opened another on eth1 {took:.1f} s after that was back"),
        check(ports.over("eth1") == 0, "ndiffports never used eth1"),
        check(all([download.whole() for download in downloads]),
              "both downloads complete, checksums right: "
              + ", ".join(megabytes(size) for size in SIZES.values())),
    ]
    nginx.terminate()
    return all(results)
