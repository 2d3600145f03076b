# SPDX-License-Identifier: GPL-2.0-or-later
"""The experiments of thesis section 6.4, in the guest: each yields the rows of a CSV.

Topology of its figure 6.10: two paths of 20 Mbit/s between client and server.
"""
import time

from lab import CLIENT, SERVER, at

RATE = "20mbit"
ANY = 4294967295  # kbit/s: no cap


def bulk(lab, seconds, moments):
    """Download for so long; Mbit/s over each path every half second."""
    every = 0.5
    out, inn = lab.connect(2)
    client, server = lab.ends[CLIENT], lab.ends[SERVER]
    start = time.monotonic()
    client.start("drain", out, every)
    server.start("flood", inn, seconds)
    at(moments, seconds, start)
    rows = client.wait()
    server.wait()
    return [[when, *(round(count * 8 / every / 1e6, 3) for count in counts)]
            for when, *counts in rows if when <= seconds]


def rate_limit(lab):
    """Figure 6.11: the second path is capped at 4 Mbit/s after ten seconds, for twenty."""
    for path in (0, 1):
        lab.shape(path, RATE, 20)
    lab.attach(CLIENT, "fullmesh")
    lab.attach(CLIENT, "ratelimit", interfaces="eth1")
    lab.attach(SERVER, "ratelimit")
    yield ["seconds", "path_1_mbit", "path_2_mbit"]
    yield from bulk(lab, 40, {10: lambda: lab.set(CLIENT, "ratelimit", rate=4000),
                              30: lambda: lab.set(CLIENT, "ratelimit", rate=ANY)})


def messages(lab, session, size, interval, moments, seconds, what):
    """From the server: when each was sent, ms it took, and bytes over each path so far."""
    out, inn = session
    client, server = lab.ends[CLIENT], lab.ends[SERVER]
    start = time.monotonic()
    client.start("delays", out, start)
    server.start("stream", inn, seconds, size, interval)
    at(moments, seconds, start, f"{what}: ")
    rows = client.wait()
    server.wait()
    return [[round(when, 4), round(1000 * took, 3), *counts] for when, took, *counts in rows]


def wandering(path, when):
    """ms: from 20 to 150 and back in 20 s, in steps; the second path half a turn behind."""
    away = (when // 2 * 2 / 10 + path) % 2
    return round(20 + 130 * min(away, 2 - away))


def scheduler(lab):
    """Figure 6.12: delay of messages under the default scheduler, and the redundant one."""
    seconds = 40
    def step(when):
        for path in (0, 1):
            lab.shape(path, RATE, wandering(path, when))

    yield ["scheduler", "seconds", "delay_ms", "path_1_bytes", "path_2_bytes",
           "path_1_set_ms", "path_2_set_ms"]
    for request in ("default", "redundant"):
        step(0)
        lab.attach(CLIENT, "fullmesh")
        lab.attach(SERVER, "scheduler", allow="default,redundant")
        lab.attach(CLIENT, "scheduler", request=request)
        session = lab.connect(2)
        lab.heard("scheduler")
        for row in messages(lab, session, 8000, 0.02, {
                when: (lambda when=when: step(when)) for when in range(2, seconds, 2)},
                            seconds, request):
            yield [request, *row, *(wandering(path, row[0]) for path in (0, 1))]
        lab.reset()


# When the first path's one-way delay becomes what, in s and ms: beyond the threshold of
# 100 ms for the round trip, below it by less than the hysteresis of 20 ms, and recovered.
PATH_1 = {0: 5, 10: 75, 20: 45, 30: 5}


def delay_threshold(lab):
    """Figure 6.13: the first path gets slow after ten seconds, and recovers in two steps."""
    yield ["threshold", "seconds", "delay_ms", "path_1_bytes", "path_2_bytes", "path_1_set_ms"]
    for limit in (0, 100):
        for path in (0, 1):
            lab.shape(path, RATE, PATH_1[0])
        lab.attach(CLIENT, "fullmesh", backup="eth1")
        lab.attach(SERVER, "threshold")
        lab.attach(CLIENT, "threshold", limit=limit, hysteresis=20)
        session = lab.connect(2)
        if limit:
            lab.heard("threshold")
        for row in messages(lab, session, 1000, 0.05, {
                when: (lambda delay=delay: lab.shape(0, RATE, delay))
                for when, delay in PATH_1.items() if when}, 40,
                            f"threshold {limit} ms" if limit else "no threshold"):
            yield [limit, *row, [delay for when, delay in PATH_1.items() if when <= row[0]][-1]]
        lab.reset()
