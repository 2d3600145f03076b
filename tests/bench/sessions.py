# SPDX-License-Identifier: GPL-2.0-or-later
"""Open MPTCP sessions under each path manager, in the guest.

Usage, as root in the guest: sessions.py BUILD SELFTESTS CROWD [MANAGER]...

One session at a time, then a crowd of them at once. One line a round, `manager,sessions`
and what bench-pm prints (tests/bench/pm/main.cpp).
"""
import sys

from managers import CGROUPS, CLIENT, FIRST, MANAGERS, PEER, SECOND, SERVER, Paths, copy_to_memory, loader, run

ROUNDS = 51
WARM_UP = 10  # most rounds that a path manager has to get ready
MAC = {CLIENT: "02:00:00:00:00:01", SERVER: "02:00:00:00:00:02"}
ADDRESSES = {CLIENT: (FIRST, SECOND), SERVER: (PEER,)}


def make_link():
    """Answers take 10 ms: so a crowd's sessions are under way at once. What the
    client sends is not delayed.
    """
    for end in (CLIENT, SERVER):
        run("ip", "netns", "add", end)
        for setting in ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.tcp_max_syn_backlog=8192",
                        "net.core.somaxconn=8192", "net.core.netdev_max_backlog=100000"):
            # The last one is the host's, not the namespace's.
            run("ip", "netns", "exec", end, "sysctl", "-qw", setting, check=False)
        run("ip", "-n", end, "mptcp", "limits", "set", "subflow", "8")
    run("sysctl", "-qw", "net.core.netdev_max_backlog=100000")
    run("ip", "link", "add", "eth0", "address", MAC[CLIENT], "netns", CLIENT, "type", "veth",
        "peer", "name", "eth0", "address", MAC[SERVER], "netns", SERVER)
    for end, other in ((CLIENT, SERVER), (SERVER, CLIENT)):
        for address in ADDRESSES[end]:
            run("ip", "-n", end, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", end, "link", "set", "eth0", "up")
        for address in ADDRESSES[other]:
            run("ip", "-n", end, "neighbour", "add", address, "lladdr", MAC[other], "dev", "eth0")
    run("tc", "-n", SERVER, "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "10ms",
        "limit", "100000")


def measure(paths, sessions, rounds):
    out = run(paths.bench, paths.objects, sessions, rounds).stdout
    return [line.split(",") for line in out.splitlines()]


def warm_up(paths, name):
    """Until the path manager is at work, and code and caches are warm."""
    for _ in range(WARM_UP):
        lines = measure(paths, 1, 3)
        if name.startswith("none") or lines[-1][1] == "1":
            return
    raise RuntimeError(f"{name}: no session got its subflow")


def main():
    paths = Paths(*sys.argv[1:3])
    crowd, names = int(sys.argv[3]), sys.argv[4:] or list(MANAGERS)
    for path in CGROUPS.values():
        path.mkdir()
    make_link()
    copy_to_memory(paths)
    with loader(paths):
        for name in names:
            with MANAGERS[name](paths):
                warm_up(paths, name)
                for sessions, rounds in ((1, ROUNDS), (crowd, 1)):
                    for line in measure(paths, sessions, rounds):
                        print(name, sessions, *line, sep=",", flush=True)


main()
