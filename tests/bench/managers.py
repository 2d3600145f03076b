# SPDX-License-Identifier: GPL-2.0-or-later
"""The path managers that are compared; each opens one further subflow a session.

A function of MANAGERS is a context in which its path manager is in charge of the
sessions of the network namespace, or of the cgroup, `client`.
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import time

from memory import MEMORY, copy_programs

CLIENT, SERVER = "client", "server"
FIRST, SECOND, PEER = "10.8.0.1", "10.8.0.3", "10.8.0.2"
CGROUPS = {end: pathlib.Path("/sys/fs/cgroup") / end for end in (CLIENT, SERVER)}
PINS = pathlib.Path("/sys/fs/bpf/bench")
MPTCPD = "/usr/libexec/mptcpd"
MPTCPD_CONF = "/etc/mptcpd/mptcpd.conf"


def run(*command, check=True):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done


class Paths:
    """What was built for the benchmark."""

    def __init__(self, build, selftests):
        self.build, self.selftests = pathlib.Path(build), pathlib.Path(selftests)
        self.objects = self.build / "bench-progs"
        self.programs = self.build / "bpf-progs"
        self.ctl = self.build / "userspace/tcpoptctl"
        self.loader = self.build / "userspace/tcpopt-loader"
        self.bench = self.build / "userspace/bench/bench-pm"
        self.csf = self.build / "userspace/bench/bench-csf"
        self.plugins = self.build / "userspace/bench/mptcpd"
        self.pm_nl_ctl = self.selftests / "net/mptcp/pm_nl_ctl"


def copy_to_memory(paths):
    plugins = sorted(paths.plugins.glob("*.so"))
    copy_programs(MPTCPD, *plugins, paths.csf, paths.pm_nl_ctl, "/bin/sh", bind=("/dev", "/proc"))
    (MEMORY / MPTCPD_CONF[1:]).parent.mkdir(parents=True)
    (MEMORY / MPTCPD_CONF[1:]).write_bytes(pathlib.Path(MPTCPD_CONF).read_bytes())


@contextlib.contextmanager
def nobody(_paths):
    yield


@contextlib.contextmanager
def in_kernel(_paths):
    run("ip", "-n", CLIENT, "mptcp", "endpoint", "add", SECOND, "subflow")
    yield
    run("ip", "-n", CLIENT, "mptcp", "endpoint", "flush")


@contextlib.contextmanager
def least(paths):
    """A program without parameters or maps, that does not need the loader."""
    run("bpftool", "prog", "loadall", paths.objects / "onemore.bpf.o", PINS)
    words = [CGROUPS[CLIENT], "sock_ops", "pinned", PINS / "onemore"]
    run("bpftool", "cgroup", "attach", *words, "multi")
    yield
    run("bpftool", "cgroup", "detach", *words)
    run("rm", "-r", PINS)


def program(name, *settings):
    @contextlib.contextmanager
    def attached(paths):
        words = [name, "--cgroup", CGROUPS[CLIENT]]
        run(paths.ctl, "attach", *words, *[f"--set={setting}" for setting in settings])
        yield
        run(paths.ctl, "detach", *words)
    return attached


@contextlib.contextmanager
def in_userspace(name, command, **environment):
    """A process in the namespace `client` that speaks netlink, from memory."""
    sysctl = ["ip", "netns", "exec", CLIENT, "sysctl", "-qw"]
    run(*sysctl, "net.mptcp.pm_type=1")
    log = MEMORY / "tmp/log"
    with open(log, "w", encoding="ascii") as file:
        process = subprocess.Popen(
            ["ip", "netns", "exec", CLIENT, "setsid", "chroot", MEMORY, "/bin/sh", "-c", command],
            stdout=file, stderr=file, env=os.environ | environment)
    try:
        yield
    finally:
        # Its children too.
        run("pkill", "-s", process.pid, check=False)
        process.wait(30)
        run(*sysctl, "net.mptcp.pm_type=0")
        # The same line may come once a session.
        for line in dict.fromkeys(log.read_text(encoding="ascii").splitlines()):
            print(f"{name}: {line}", file=sys.stderr)


def mptcpd(paths):
    return in_userspace("mptcpd", f"exec {MPTCPD} --log=stderr --plugin-dir={paths.plugins} "
                        "--load-plugins=bench --path-manager=bench", BENCH_LOCAL=SECOND)


def pm_nl_ctl(paths):
    tool = paths.pm_nl_ctl
    return in_userspace("pm_nl_ctl", f"{tool} events 2>&1 | {paths.csf} {tool} {SECOND}")


@contextlib.contextmanager
def loader(paths):
    """The daemon that program() needs."""
    process = subprocess.Popen([paths.loader, "--programs", paths.programs, "--log-level", "warn"])
    # While its file is read the guest's clock runs from timer to timer.
    end = time.monotonic() + 3600
    while run(paths.ctl, "list", check=False).returncode:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("tcpopt-loader did not start")
        time.sleep(0.05)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


# In the order of measuring.
MANAGERS = {
    "none": nobody,
    "in-kernel": in_kernel,
    "least": least,
    "ndiffports": program("ndiffports", "subflows=2"),
    "fullmesh": program("fullmesh"),
    "mptcpd": mptcpd,
    "pm_nl_ctl": pm_nl_ctl,
    "none-again": nobody,
}
