# SPDX-License-Identifier: GPL-2.0-or-later
"""The papers' four scenarios with iperf3, over lo and over a shaped link.

Usage, as root in the guest: iperf.py OBJECTS

Each through upstream's hooks and through ours (a template, a watched option), in
turn, several times over. One line a transfer, `link,way,scenario,bits per second,
seconds that the CPU was busy`, or `missing,FUNCTION` for what the kernel cannot do.
"""
import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from memory import MEMORY, copy_programs

ROUNDS = 3
CGROUPS = {end: pathlib.Path("/sys/fs/cgroup") / f"bench-{end}" for end in ("sender", "receiver")}
PINS = pathlib.Path("/sys/fs/bpf/bench")
CLONE_NEWNET = 0x40000000
SERVER = {"lo": "127.0.0.1", "link": "10.8.0.2"}
BYTES = {"lo": 15_000_000, "link": 8_000_000}
# Far less than the CPU can send, so that what an option costs shows in its load.
SHAPE = ["tbf", "rate", "100mbit", "burst", "16k", "latency", "20ms"]
# way, scenario: the sender's program, the receiver's
SCENARIOS = {
    ("-", "none"): (None, None),
    ("upstream", "insert"): ("upstream/write", None),
    ("upstream", "insert+parse"): ("upstream/write", "upstream/parse"),
    ("upstream", "insert+parse+sockopt"): ("upstream/write", "upstream/parse_and_set"),
    ("ours", "insert"): ("calls/template", None),
    ("ours", "insert+parse"): ("calls/template", "calls/watch"),
    ("ours", "insert+parse+sockopt"): ("calls/template", "calls/watch_and_set"),
}


def run(*command, check=True):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def make_links():
    """A segment is one packet on both, as on the papers' loopback figure."""
    run("ip", "link", "set", "lo", "mtu", "1500", "gso_max_segs", "1")
    for end in CGROUPS:
        run("ip", "netns", "add", end)
    run("ip", "link", "add", "eth0", "netns", "sender", "type", "veth",
        "peer", "name", "eth0", "netns", "receiver")
    for end, address in (("sender", "10.8.0.1"), ("receiver", SERVER["link"])):
        run("ip", "-n", end, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", end, "link", "set", "eth0", "up", "gso_max_segs", "1")
        run("tc", "-n", end, "qdisc", "add", "dev", "eth0", "root", *SHAPE)


def start(end, link, *arguments):
    namespace = os.open(f"/run/netns/{end}" if link == "link" else "/proc/self/ns/net", os.O_RDONLY)

    def prepare():
        (CGROUPS[end] / "cgroup.procs").write_text(str(os.getpid()))
        if ctypes.CDLL(None).setns(namespace, CLONE_NEWNET):
            raise OSError("setns")
        if end == "receiver":
            # It runs whenever it can: left to itself, the scheduler falls into
            # one of two patterns that differ by a tenth.
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.chroot(MEMORY)
        os.chdir("/")
    process = subprocess.Popen(["/usr/bin/iperf3", *map(str, arguments)], stdout=subprocess.PIPE,
                               text=True, preexec_fn=prepare)
    os.close(namespace)
    return process


def idle():
    """Seconds that the CPU slept since boot; /proc/stat has hundredths only."""
    text = pathlib.Path("/proc/timer_list").read_text(encoding="ascii")
    return int(re.search(r"idle_sleeptime *: (\d+)", text)[1]) / 1e9


def transfer(link, count):
    server = start("receiver", link, "-s", "-1", "--forceflush")
    while "listening" not in server.stdout.readline():
        if server.poll() is not None:
            sys.exit("iperf3's server did not start")
    since, slept = time.monotonic(), idle()
    client = start("sender", link, "-c", SERVER[link], "-J", "-n", count)
    result = json.loads(client.communicate()[0])
    busy = time.monotonic() - since - (idle() - slept)
    server.communicate()
    if client.returncode or server.returncode:
        sys.exit(f"iperf3: {result.get('error', 'failed')}")
    return result["end"]["sum_received"]["bits_per_second"], busy


def load(objects):
    """The objects that this kernel takes."""
    with open("/proc/kallsyms", encoding="ascii") as symbols:
        calls = any(line.split()[2] == "bpf_tcp_option_set" for line in symbols)
    PINS.mkdir()
    loaded = {"upstream", "calls"} if calls else {"upstream"}
    for name in loaded:
        run("bpftool", "prog", "loadall", objects / f"{name}.bpf.o", PINS / name)
    if not calls:
        print("missing,bpf_tcp_option_set", flush=True)
    return loaded


def main():
    loaded = load(pathlib.Path(sys.argv[1]))
    for path in CGROUPS.values():
        path.mkdir()
    make_links()
    copy_programs("/usr/bin/iperf3")
    # What iperf3 costs without a transfer.
    start_up = {link: [transfer(link, 1000)[1] for _ in range(3)][-1] for link in SERVER}
    for _ in range(ROUNDS):
        for (way, scenario), programs in SCENARIOS.items():
            if any(program and program.split("/")[0] not in loaded for program in programs):
                continue
            attached = [(CGROUPS[end], "sock_ops", "pinned", PINS / program)
                        for end, program in zip(CGROUPS, programs) if program]
            for words in attached:
                run("bpftool", "cgroup", "attach", *words, "multi")
            for link in SERVER:
                rate, busy = transfer(link, BYTES[link])
                print(link, way, scenario, rate, busy - start_up[link], sep=",", flush=True)
            for words in attached:
                run("bpftool", "cgroup", "detach", *words)


main()
