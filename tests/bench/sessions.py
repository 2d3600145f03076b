# SPDX-License-Identifier: GPL-2.0-or-later
"""Open MPTCP sessions under each path manager, in the guest.

Usage, as root in the guest: sessions.py BUILD SELFTESTS CROWD [MANAGER]...

One line a round, `path manager,scenario,sessions` and what bench-pm prints
(tests/bench/pm/main.cpp).
"""
import sys

from managers import CGROUPS, CLIENT, FIRST, MANAGERS, PEER, SECOND, SERVER, Paths, copy_to_memory, loader, run

# Name: sessions at once (0: the crowd), rounds, and how what the server sends is
# delayed; what the client sends is not. With slots it arrives every 100 ms, as over
# a radio link, and so a crowd's sessions are established at once, too.
SCENARIOS = {
    "one": (1, 51, ("delay", "10ms")),
    "opened": (0, 1, ("delay", "10ms")),
    "established": (0, 1, ("slot", "100ms")),
    "after": (1, 5, ("delay", "10ms")),
}
# Each with a path manager that was just started, but for the last one: what is
# left of it after the crowd?
RUNS = (("one",), ("opened",), ("established", "after"))
WARM_UP = 10  # most rounds that a path manager has to get ready
MAC = {CLIENT: "02:00:00:00:00:01", SERVER: "02:00:00:00:00:02"}
ADDRESSES = {CLIENT: (FIRST, SECOND), SERVER: (PEER,)}


def make_link():
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


def delay_answers(words):
    # Changed in place it would keep its slots.
    run("tc", "-n", SERVER, "qdisc", "del", "dev", "eth0", "root", check=False)
    run("tc", "-n", SERVER, "qdisc", "add", "dev", "eth0", "root", "netem", *words,
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


def run_scenarios(paths, name, scenarios, crowd):
    with MANAGERS[name](paths):
        delay_answers(SCENARIOS["one"][2])
        warm_up(paths, name)
        for scenario in scenarios:
            at_once, rounds, delay = SCENARIOS[scenario]
            delay_answers(delay)
            for line in measure(paths, at_once or crowd, rounds):
                print(name, scenario, at_once or crowd, *line, sep=",", flush=True)


def main():
    paths = Paths(*sys.argv[1:3])
    crowd, names = int(sys.argv[3]), sys.argv[4:] or list(MANAGERS)
    for path in CGROUPS.values():
        path.mkdir()
    make_link()
    copy_to_memory(paths)
    with loader(paths):
        for name in names:
            for scenarios in RUNS:
                run_scenarios(paths, name, scenarios, crowd)


main()
