# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts with two paths between them, a daemon, and the ends of the traffic."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "vm"))
import net
import tools
from net import ADDRESS, CLIENT, SERVER, run

SECOND = {CLIENT: "10.9.1.1", SERVER: "10.9.1.2"}
INTERFACES = ("eth0", "eth1")
PORT = 7300
BUILD = pathlib.Path(os.environ.get("TCPOPT_BUILD", ROOT / "build"))
LOADER, CTL = BUILD / "userspace/tcpopt-loader", BUILD / "userspace/tcpoptctl"
BPFFS, RUN_DIR = pathlib.Path("/sys/fs/bpf/figures"), pathlib.Path("/run/figures")
CGROUP = pathlib.Path("/sys/fs/cgroup")
SYSCTLS = ("net.ipv6.conf.all.disable_ipv6=1",
           # What one session learnt of a path is not where the next one starts.
           "net.ipv4.tcp_no_metrics_save=1",
           # One limit for each session, not that of the whole guest's memory.
           "net.ipv4.tcp_rmem=4096 131072 4194304")


def eventually(condition, what, timeout=3600):
    """The guest's clock leaps while it waits for the host: minutes mean little."""
    return net.eventually(condition, what, timeout)


class End(net.Peer):
    """A process of traffic.py on a host, in that host's cgroup."""

    def __init__(self, name):
        self.pending = False
        self.process = subprocess.Popen([sys.executable, HERE / "traffic.py", name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.join(str(CGROUP / name))


class Lab:
    """Nothing of it is left when the guest powers off."""

    def __init__(self):
        tools.in_memory(LOADER, CTL)
        for name in (CLIENT, SERVER):
            (CGROUP / name).mkdir(exist_ok=True)
            run("ip", "netns", "add", name)
            for setting in SYSCTLS:
                self.on(name, "sysctl", "-qw", setting)
        for path, interface in enumerate(INTERFACES):
            self.link(path, interface)
        self.begin_daemon()
        self.ends = {name: End(name) for name in (CLIENT, SERVER)}
        # What is done for the first time has the host read.
        self.unshape()
        for end in self.ends.values():
            end.netns_cookie()
        self.attached = []

    def link(self, path, interface):
        run("ip", "link", "add", interface, "netns", CLIENT, "type", "veth",
            "peer", "name", interface, "netns", SERVER)
        for name in (CLIENT, SERVER):
            run("ip", "-n", name, "address", "add", f"{self.address(path, name)}/24",
                "dev", interface)
            # A packet of the link is one of the wire: netem counts them for its limit.
            run("ip", "-n", name, "link", "set", interface, "gso_max_segs", "1", "up")
        run("ip", "-n", CLIENT, "rule", "add", "from", self.address(path, CLIENT),
            "table", str(100 + path))
        run("ip", "-n", CLIENT, "route", "add", "default", "via",
            self.address(path, SERVER), "dev", interface, "table", str(100 + path))

    def begin_daemon(self):
        for directory in (BPFFS, RUN_DIR):
            directory.mkdir(parents=True, exist_ok=True)
        programs = shutil.copytree(BUILD / "bpf-progs", RUN_DIR / "programs")
        with open(RUN_DIR / "log", "w", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(
                [LOADER, "--run-dir", RUN_DIR, "--bpffs", BPFFS, "--programs", programs],
                stderr=log)
        eventually(lambda: self.ctl("list", check=False) is not None, "daemon")

    @staticmethod
    def address(path, name):
        return (ADDRESS[4], SECOND)[path][name]

    @staticmethod
    def on(name, *command, check=True):
        return run("ip", "netns", "exec", name, *command, check=check)

    @staticmethod
    def ctl(*words, check=True):
        done = subprocess.run([CTL, "--run-dir", RUN_DIR, *words],
                              capture_output=True, text=True, check=False)
        if done.returncode and check:
            raise RuntimeError(done.stderr.strip())
        return None if done.returncode else done.stdout

    def attach(self, name, program, **params):
        self.ctl("attach", program, "--cgroup", CGROUP / name,
                 *[f"--set={key}={value}" for key, value in params.items()])
        self.attached.append((name, program))

    def set(self, name, program, **params):
        self.ctl("set", program, "--cgroup", CGROUP / name,
                 *[f"{key}={value}" for key, value in params.items()])

    def stats(self, name, program):
        for one in json.loads(self.ctl("list", "--json")):
            if one["name"] == program and one["cgroup"] == str(CGROUP / name):
                return one["stats"]
        raise RuntimeError(f"{program} is not attached")

    def heard(self, program, count=1):
        """Wait until the server has had so many requests."""
        eventually(lambda: self.stats(SERVER, program)["received"] >= count,
                   f"{program}: {count} requests")

    def detach_all(self):
        while self.attached:
            name, program = self.attached.pop()
            self.ctl("detach", program, "--cgroup", CGROUP / name)

    def shape(self, path, rate, delay):
        """Both directions; `delay` in ms, one way. A queue for twice the longest one."""
        for name in (CLIENT, SERVER):
            run("tc", "-n", name, "qdisc", "replace", "dev", INTERFACES[path], "root", "netem",
                "rate", rate, "delay", f"{delay}ms", "limit", "300")

    def unshape(self):
        for name in (CLIENT, SERVER):
            for interface in INTERFACES:
                run("tc", "-n", name, "qdisc", "del", "dev", interface, "root", check=False)

    def connect(self, subflows):
        """A session to the first address of the server: ids of its two sockets."""
        client, server = self.ends[CLIENT], self.ends[SERVER]
        listener = server.listen("0.0.0.0", PORT, mptcp=True)
        server.start("accept", listener)
        out, inn = client.connect(ADDRESS[4][SERVER], PORT, mptcp=True), server.wait()
        # The client may open further subflows once it has heard of the session.
        server.start("exchange_byte", [inn], False)
        client.exchange_byte([out], True)
        server.wait()
        eventually(lambda: self.established() == subflows, f"{subflows} subflows")
        return out, inn

    def established(self):
        """Subflows of the client."""
        return len(self.on(CLIENT, "ss", "-tnH", "state", "established", "dport", "=",
                           f":{PORT}").splitlines())

    def reset(self):
        self.detach_all()
        for end in self.ends.values():
            end.reset()
        for name in (CLIENT, SERVER):
            self.ends[name].join(str(CGROUP / name))


def at(moments, seconds, start, what=""):
    """Do each of {seconds after start: function} in time, and say how far it is."""
    for when in sorted({*moments, *range(10, seconds + 1, 10)}):
        time.sleep(max(0, start + when - time.monotonic()))
        if when in moments:
            moments[when]()
            late = time.monotonic() - start - when
            if late > 0.5:
                raise RuntimeError(f"what was to happen after {when} s came {late:.1f} s late")
        if when and when % 10 == 0:
            print(f"    {what}{when} of {seconds} s", flush=True)
