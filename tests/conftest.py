# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures for tests that run as root on a kernel of their own."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("TCPOPT_BUILD", ROOT / "build"))
PROGRAMS = [BUILD / "bpf-progs", BUILD / "test-progs"]
sys.path.insert(0, str(ROOT / "tests/vm"))
CTL = BUILD / "userspace/tcpoptctl"
LOADER = BUILD / "userspace/tcpopt-loader"


def cgroup2():
    """Where cgroup v2 is mounted."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return pathlib.Path(fields[1])
    raise RuntimeError("cgroup v2 is not mounted")


def remove_cgroup(path):
    """Its processes may still be on their way out."""
    deadline = time.monotonic() + 10
    while path.exists():
        try:
            path.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Loader:
    """A daemon with directories of its own, and tcpoptctl that talks to it."""

    def __init__(self, run_dir, bpffs):
        self.run_dir, self.bpffs, self.process = run_dir, bpffs, None

    def arguments(self, *more):
        programs = [word for path in PROGRAMS for word in ("--programs", path)]
        return [LOADER, "--run-dir", self.run_dir, "--bpffs", self.bpffs, *programs, *more]

    def start(self, **environment):
        self.log = open(self.run_dir / "log", "a+", encoding="utf-8")
        self.process = subprocess.Popen(self.arguments("--log-level", "debug"), stderr=self.log,
                                        env=os.environ | environment)
        deadline = time.monotonic() + 30
        while self.ctl("list").returncode != 0:
            assert self.process.poll() is None and time.monotonic() < deadline, self.messages()
            time.sleep(0.05)

    def stop(self, sig=signal.SIGTERM):
        """End the daemon and return its exit status."""
        self.process.send_signal(sig)
        return self.process.wait(timeout=30)

    def messages(self):
        return (self.run_dir / "log").read_text(encoding="utf-8")

    def ctl(self, *args, prefix=()):
        """Run tcpoptctl ARGS; returns the CompletedProcess, whatever its status."""
        programs = [word for path in PROGRAMS for word in ("--programs", path)]
        return subprocess.run([*prefix, CTL, "--run-dir", self.run_dir, *programs, *args],
                              capture_output=True, text=True, timeout=120, check=False)

    def ok(self, *args):
        """Run tcpoptctl ARGS, which must do it without a word on stderr."""
        done = self.ctl(*args)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def ask(self, request, fds=()):
        """What tcpoptctl does, without a process for each request; returns the result."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as daemon:
            daemon.settimeout(120)
            daemon.connect(str(self.run_dir / "loader.sock"))
            socket.send_fds(daemon, [json.dumps({"protocol": 1, **request}).encode()], fds)
            reply = json.loads(daemon.recv(1 << 20))
        assert "result" in reply, reply
        return reply["result"]

    def tell(self, command, name, cgroup, params=None):
        """`tcpoptctl attach`, `set` or `detach`."""
        directory = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.ask({"command": command, "name": name, "cgroup": str(cgroup), "settings": {
                key: str(value) for key, value in (params or {}).items()}}, [directory])
        finally:
            os.close(directory)

    def list(self):
        """What `tcpoptctl list --json` prints."""
        found, after = [], ""
        while True:
            page = self.ask({"command": "list", "after": after})
            found += page["attachments"]
            after = page.get("next")
            if not after:
                return found

    def entry(self, name, cgroup):
        found = [e for e in self.list() if e["name"] == name and e["cgroup"] == str(cgroup)]
        assert len(found) == 1, self.list()
        return found[0]

    def stats(self, name, cgroup):
        return self.entry(name, cgroup)["stats"]

    def params(self, name, cgroup):
        return self.entry(name, cgroup)["params"]

    def reset(self):
        """Running, and nothing attached."""
        if self.process.poll() is not None:
            self.start()
        for entry in self.list():
            if entry.get("removed"):
                self.ask({"command": "detach", "name": entry["name"],
                          "cgroup_id": entry["cgroup_id"]})
            else:
                self.tell("detach", entry["name"], entry["cgroup"])

    def end(self):
        if self.process.poll() is None:
            assert self.stop() == 0, self.messages()
        self.log.close()
        for directory, _, files in os.walk(self.bpffs, topdown=False):
            for name in files:
                os.unlink(os.path.join(directory, name))
            os.rmdir(directory)


@pytest.fixture
def ctl():
    """tcpoptctl without a daemon."""
    return Loader(pathlib.Path("/nonexistent"), None).ctl


@pytest.fixture
def make_cgroup():
    """make_cgroup(name, below=None): a fresh cgroup directory."""
    made = []

    def make(name, below=None):
        path = (below or cgroup2()) / f"tcpopt-test-{name}-{os.getpid()}-{len(made)}"
        path.mkdir()
        made.append(path)
        return path

    yield make
    for path in reversed(made):
        remove_cgroup(path)


@pytest.fixture
def cgroup(make_cgroup):
    return make_cgroup("one")


def started(directory, name):
    daemon = Loader(directory, pathlib.Path("/sys/fs/bpf") / f"tcpopt-{name}-{os.getpid()}")
    daemon.start()
    return daemon


@pytest.fixture
def loader(tmp_path):
    """A daemon of the test's own. What it left attached is removed in the end."""
    daemon = started(tmp_path, "test")
    yield daemon
    daemon.end()


@pytest.fixture(scope="session")
def session_loader(tmp_path_factory):
    daemon = started(tmp_path_factory.mktemp("loader"), "session")
    yield daemon
    daemon.end()


@pytest.fixture
def shared_loader(session_loader):
    """A running daemon with nothing attached, for tests of something else."""
    yield session_loader
    session_loader.reset()


@pytest.fixture(scope="session")
def session_hosts():
    from net import Hosts
    hosts = Hosts()
    yield hosts
    hosts.remove()


@pytest.fixture
def hosts(session_hosts, make_cgroup):
    """Depends on the cgroups, so that the peers leave them before they are removed."""
    session_hosts.begin()
    yield session_hosts
    session_hosts.reset()


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def family(request):
    return request.param


@pytest.fixture
def pair(hosts, shared_loader, make_cgroup, family):
    """Two hosts, one of which is to run the program `optest` or another."""
    from pair import Pair
    return Pair(hosts, shared_loader, make_cgroup, "optest", family)


@pytest.fixture
def pair4(hosts, shared_loader, make_cgroup):
    from pair import Pair
    return Pair(hosts, shared_loader, make_cgroup, "optest")


@pytest.fixture(scope="module")
def module_paths(session_hosts):
    from paths import Paths
    paths = Paths(session_hosts)
    yield paths
    paths.remove()


@pytest.fixture
def paths(module_paths, hosts):
    """A second path."""
    yield module_paths
    module_paths.reset()


def made(hosts, paths, loader, make_cgroup, kind):
    from mptcp import Mptcp
    return Mptcp(hosts, paths, loader, make_cgroup, kind)


@pytest.fixture
def mptcp4(hosts, paths, shared_loader, make_cgroup):
    pair = made(hosts, paths, shared_loader, make_cgroup, "ipv4")
    yield pair
    pair.end()


@pytest.fixture(params=["ipv4", "ipv6", "mapped"])
def mptcp(request, hosts, paths, shared_loader, make_cgroup):
    """A session of IPv4, of IPv6, and of IPv4 with sockets of IPv6."""
    pair = made(hosts, paths, shared_loader, make_cgroup, request.param)
    yield pair
    pair.end()
