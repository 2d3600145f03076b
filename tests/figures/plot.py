# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw the figures: each function takes rows of a CSV, draws, and returns what is to see.

That is sentences, and the expectations as pairs of words and whether they hold.
"""
import csv
import statistics

import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot

CAP, LIMIT = 4, 100  # Mbit/s, ms


def read(path):
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def column(data, name):
    return [float(row[name]) for row in data]


def groups(data, key):
    found = {}
    for row in data:
        found.setdefault(row[key], []).append(row)
    return found


def between(data, begin, end):
    """Rows of these seconds."""
    return [row for row in data if begin <= float(row["seconds"]) < end]


def median(data, name):
    return statistics.median(column(data, name))


def used(data, path):
    """Bytes that came over a path meanwhile."""
    return int(data[-1][f"path_{path}_bytes"]) - int(data[0][f"path_{path}_bytes"])


def last_over(data, path, size=1000):
    """Second at which a path carried a message of this size for the last time."""
    name = f"path_{path}_bytes"
    return max(float(row["seconds"]) for before, row in zip(data, data[1:])
               if int(row[name]) - int(before[name]) >= size)


def panels(figure, count):
    figure.set_size_inches(8, 2 + 2.5 * count)
    found = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    for axes in found:
        axes.grid(alpha=0.3)
        axes.margins(x=0.01)
    found[-1].set_xlabel("seconds")
    return found


def rate_limit(data, figure):
    axes, = panels(figure, 1)
    for path in (1, 2):
        axes.plot(column(data, "seconds"), column(data, f"path_{path}_mbit"), label=f"path {path}")
    axes.plot([10, 30], [CAP, CAP], linestyle=":", color="black",
              label=f"cap of path 2, {CAP} Mbit/s")
    axes.set(ylabel="Mbit/s on the link", ylim=(0, 22))
    axes.legend(loc="center right")
    rates = [statistics.mean(column(between(data, *when), "path_2_mbit"))
             for when in ((3, 10.1), (12, 30.1), (32, 41))]
    others = column(between(data, 10.1, 30.1), "path_1_mbit")
    return ([f"Path 2 carries {rates[0]:.2f} Mbit/s before, {rates[1]:.2f} while it is capped and "
             f"{rates[2]:.2f} afterwards; bytes of the link, so headers, which the cap does not "
             "count, are included.",
             f"Path 1 goes down to {min(others):.1f} Mbit/s meanwhile, and is below 18 for "
             f"{sum(rate < 18 for rate in others) / 2:.1f} s: what path 2 had been given before "
             "the cap now takes its time, and until it has come the session's send buffer is full "
             "of what path 1 has delivered after it."],
            [(f"capped, within 10 % of {CAP} Mbit/s", abs(rates[1] - CAP) <= CAP / 10),
             ("lifted, as fast as before", rates[2] > 0.9 * rates[0])])


def scheduler(data, figure):
    axes, = panels(figure, 1)
    parts, said = groups(data, "scheduler"), []
    for name, part in parts.items():
        delays = sorted(column(part, "delay_ms"))
        # Small on large, so that both are seen where they are the same.
        axes.plot(column(part, "seconds"), column(part, "delay_ms"), ".", label=name,
                  **({"zorder": 3, "markersize": 2} if name == "default" else {"markersize": 6}))
        sent = sum(used(part, path) for path in (1, 2))
        said.append(f"{name.capitalize()}: median {delays[len(delays) // 2]:.0f} ms, "
                    f"95 % below {delays[len(delays) * 95 // 100]:.0f} ms, "
                    f"{sent / 1e6:.1f} MB over both links.")
    for path, style in ((1, "--"), (2, ":")):
        axes.plot(column(part, "seconds"), column(part, f"path_{path}_set_ms"), color="grey",
                  linestyle=style, linewidth=1, label=f"path {path} alone")
    axes.set(ylabel="one-way delay, ms", ylim=(0, None))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
    less = [float(other["delay_ms"]) - float(one["delay_ms"])
            for one, other in zip(parts["redundant"], parts["default"])]
    lower, higher = (sum(by > 1 for by in (sign * ms for ms in less)) / len(less)
                     for sign in (1, -1))
    return ([*said, f"Redundant is faster by more than a millisecond for {lower:.0%} of the "
             f"messages and slower for {higher:.0%}; for the others it makes no difference."],
            [("redundant is the faster one most of the time", lower > 0.5 > higher),
             ("and in the median", median(parts["redundant"], "delay_ms") <
              median(parts["default"], "delay_ms"))])


def delay_threshold(data, figure):
    delays, paths = panels(figure, 2)
    parts, said = groups(data, "threshold"), []
    for limit, part in parts.items():
        name = f"threshold {limit} ms" if limit != "0" else "no threshold"
        line, = delays.plot(column(part, "seconds"), column(part, "delay_ms"), label=name)
        paths.plot(column(part, "seconds"), [n / 1000 for n in column(part, "path_2_bytes")],
                   color=line.get_color(), label=name)
        slow, near, well = (between(part, *when) for when in ((12, 20), (22, 30), (33, 41)))
        said.append(f"{name.capitalize()}: median delay {median(slow, 'delay_ms'):.0f} ms while "
                    f"the first path takes 75 ms, {median(near, 'delay_ms'):.0f} ms while it "
                    f"takes 45 ms, {median(well, 'delay_ms'):.0f} ms when it has recovered; "
                    f"{used(part, 2) / 1000:.0f} kB over path 2.")
    delays.step(column(part, "seconds"), column(part, "path_1_set_ms"), color="grey",
                linestyle=":", where="post", label="path 1 alone")
    delays.set(ylabel="one-way delay, ms", ylim=(0, None))
    paths.set(ylabel="sent over path 2, kB", ylim=(0, None))
    delays.legend(loc="upper right")
    came = {path: [used(between(parts[str(LIMIT)], *when), path) for when in
                   ((0, 10), (12, 20), (22, 30), (33, 41))] for path in (1, 2)}
    away = [two > one for one, two in zip(came[1], came[2])]
    left = last_over(between(parts[str(LIMIT)], 10, 20), 1) - 10
    back = last_over(between(parts[str(LIMIT)], 30, 41), 2) - 30
    said.append("With it the first path carries its last message of the slow phase "
                f"{left:.1f} s after it began, and the backup its last {back:.1f} s after the "
                "first path has recovered.")
    return said, [("the first path is used before", not away[0]),
                  ("above the threshold the backup is", away[1]),
                  ("and still is below it, within the hysteresis", away[2]),
                  ("when the first path has recovered, that is used again", not away[3])]


def idle_timeout(data, figure):
    counts, memory = panels(figure, 2)
    parts, said = groups(data, "timeout"), []
    for limit, part in parts.items():
        name = f"timeout {limit} s" if limit != "0" else "no timeout"
        counts.plot(column(part, "seconds"), column(part, "sessions"), label=name)
        memory.plot(column(part, "seconds"), [n / 1e6 for n in column(part, "kernel_bytes")])
        last = part[-1]
        said.append(f"{name.capitalize()}: {last['opened']} sessions opened, {last['sessions']} "
                    f"left at the end, {last['timed_out']} ended with ETIMEDOUT; the kernel uses "
                    f"{int(last['kernel_bytes']) / 1e6:.1f} MB more than at the start, for both "
                    "ends.")
    counts.set(ylabel="sessions of the server", ylim=(0, None))
    memory.set(ylabel="kernel memory, MB", ylim=(0, None))
    counts.legend(loc="upper left")
    kept, (limit, timed) = parts["0"], list(parts.items())[-1]
    most = max(int(row["sessions"]) for row in timed)
    # Those of the time of the timeout, and what one step adds before it is counted.
    pace = int(timed[-1]["opened"]) / float(timed[-1]["seconds"])
    allowed = pace * (float(limit) + 2 * float(timed[0]["seconds"]))
    half = len(timed) // 2

    def growth(part):
        return int(part[-1]["kernel_bytes"]) - int(part[half]["kernel_bytes"])
    return said, [("without a timeout all sessions are kept",
                   kept[-1]["sessions"] == kept[-1]["opened"]),
                  (f"with it no more than those of the last {limit} s, at most {most}",
                   most <= allowed),
                  ("its memory grows by a tenth of the other's at most in the second half",
                   growth(timed) <= growth(kept) / 10)]


DRAW = {"rate-limit": rate_limit, "scheduler": scheduler, "delay-threshold": delay_threshold,
        "idle-timeout": idle_timeout}


def draw(out, name):
    """Writes NAME.png and NAME.svg; returns the sentences and the expectations."""
    figure = pyplot.figure(layout="constrained")
    said = DRAW[name](read(out / f"{name}.csv"), figure)
    figure.savefig(out / f"{name}.png", dpi=120)
    figure.savefig(out / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)
    return said
