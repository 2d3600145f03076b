# SPDX-License-Identifier: GPL-2.0-or-later
"""The experiments of thesis section 6.4, in the guest: each yields the rows of a CSV.

Topology of its figure 6.10: two paths of 20 Mbit/s between client and server.
"""
import time

from lab import CLIENT, PORT, SERVER, at, run
from net import ADDRESS, eventually

RATE = "20mbit"


def bulk(lab, seconds, moments):
    """Download for so long; Mbit/s over each path every half second."""
    every = 0.5
    out, inn = lab.connect()
    lab.subflows(2)
    client, server = lab.ends[CLIENT], lab.ends[SERVER]
    start = time.monotonic()
    client.start("drain", out, every)
    server.start("flood", inn, seconds)
    at(moments, start)
    rows = client.wait()
    server.wait()
    return [[when, *(round(count * 8 / every / 1e6, 3) for count in counts)]
            for when, *counts in rows]


def rate_limit(lab):
    """Figure 6.11: the second path is capped at 4 Mbit/s after ten seconds, for twenty."""
    for path in (0, 1):
        lab.shape(path, RATE, 20)
    lab.attach(CLIENT, "fullmesh")
    lab.attach(CLIENT, "ratelimit", interfaces="eth1")
    lab.attach(SERVER, "ratelimit")
    yield ["seconds", "path_1_mbit", "path_2_mbit"]
    yield from bulk(lab, 40, {
        10: lambda: lab.set(CLIENT, "ratelimit", rate=4000),
        30: lambda: lab.set(CLIENT, "ratelimit", rate=4294967295)})


def messages(lab, seconds, size, interval, moments=None):
    """From the server: when each was sent, ms it took, and bytes over each path so far."""
    out, inn = lab.connect()
    lab.subflows(2)
    client, server = lab.ends[CLIENT], lab.ends[SERVER]
    time.sleep(1)  # options are asked and answered
    start = time.monotonic()
    client.start("delays", out, start)
    server.start("stream", inn, seconds, size, interval)
    at(moments or {}, start)
    rows = client.wait()
    server.wait()
    return [[round(when, 4), round(1000 * took, 3), *counts] for when, took, *counts in rows]


def wander(lab, seconds):
    """Each path's delay goes from 20 to 150 ms and back, the second half a turn behind."""
    def delay(turn):
        away = turn % 2
        return round(20 + 130 * (away if away <= 1 else 2 - away))

    def step(when):
        for path in (0, 1):
            lab.shape(path, RATE, delay(when / 10 + path))
    return {when: (lambda when=when: step(when)) for when in range(0, seconds, 2)}


def scheduler(lab):
    """Figure 6.12: delay of messages under the default scheduler, and the redundant one."""
    yield ["scheduler", "seconds", "delay_ms", "path_1_bytes", "path_2_bytes"]
    for request in ("default", "redundant"):
        for path in (0, 1):
            lab.shape(path, RATE, 20)
        lab.attach(CLIENT, "fullmesh")
        lab.attach(SERVER, "scheduler", allow="default,redundant")
        lab.attach(CLIENT, "scheduler", request=request)
        for row in messages(lab, 40, 8000, 0.02, wander(lab, 40)):
            yield [request, *row]
        lab.reset()


def delay_threshold(lab):
    """Figure 6.13: the first path gets slow after ten seconds and recovers after twenty-five."""
    yield ["threshold", "seconds", "delay_ms", "path_1_bytes", "path_2_bytes"]
    for limit in (0, 100):
        for path in (0, 1):
            lab.shape(path, RATE, 5)
        lab.attach(CLIENT, "fullmesh", backup="eth1")
        lab.attach(SERVER, "threshold")
        lab.attach(CLIENT, "threshold", limit=limit)
        for row in messages(lab, 40, 1000, 0.05, {
                10: lambda: lab.shape(0, RATE, 120), 25: lambda: lab.shape(0, RATE, 5)}):
            yield [limit, *row]
        lab.reset()


def memory():
    """Bytes of the kernel's own, as /proc/meminfo has it."""
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    return 1024 * sum(int(fields[name].split()[0]) for name in ("Slab", "KernelStack"))


def sessions(lab):
    """MPTCP sessions that the server has, with subflows or without."""
    text = lab.on(SERVER, "ss", "-MnH", "state", "all")
    return sum(1 for line in text.splitlines() if f":{PORT}" in line and "LISTEN" not in line)


def idle_timeout(lab, batches=20, batch=100, timeout=20):
    """Figure 6.14: sessions lose their subflows; the server keeps them, or for a time only."""
    yield ["timeout", "seconds", "sessions", "kernel_bytes"]
    for asked in (0, timeout):
        for path in (0, 1):
            run("tc", "-n", CLIENT, "qdisc", "del", "dev", f"eth{path}", "root", check=False)
            run("tc", "-n", SERVER, "qdisc", "del", "dev", f"eth{path}", "root", check=False)
        for name in (CLIENT, SERVER):
            lab.on(name, "sysctl", "-qw", "net.mptcp.close_timeout=86400")
        lab.attach(SERVER, "idle", min=1)
        lab.attach(CLIENT, "idle", timeout=asked)
        client, server = lab.ends[CLIENT], lab.ends[SERVER]
        listener = server.listen("0.0.0.0", PORT, mptcp=True)
        start, base = time.monotonic(), memory()
        for number in range(batches):
            server.start("take_many", listener, batch)
            opened = client.many(ADDRESS[4][SERVER], PORT, batch)
            taken = server.wait()
            server.start("exchange_byte", taken, False)
            client.exchange_byte(opened, True)
            server.wait()
            # As a middlebox would: all subflows of both ends are reset.
            for name in (CLIENT, SERVER):
                lab.on(name, "ss", "-KtnH", "sport", "=", f":{PORT}", "or", "dport", "=",
                       f":{PORT}", "and", "state", "established")
            time.sleep(max(0, start + 3 * (number + 1) - time.monotonic()))
            yield [asked, round(time.monotonic() - start, 2), sessions(lab), memory() - base]
        lab.reset()
        eventually(lambda: sessions(lab) == 0, "all closed", 120)


EXPERIMENTS = {"rate-limit": rate_limit, "scheduler": scheduler,
               "delay-threshold": delay_threshold, "idle-timeout": idle_timeout}
