# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw what is not declared: each function takes rows of a CSV, draws, and returns what is to see.

That is sentences, and the expectations as pairs of words and whether they hold.
"""
import csv

import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot


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


def panels(figure, count):
    figure.set_size_inches(8, 2 + 2.5 * count)
    found = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    for axes in found:
        axes.grid(alpha=0.3)
        axes.margins(x=0.01)
    found[-1].set_xlabel("seconds")
    return found


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


DRAW = {"idle-timeout": idle_timeout}


def draw(out, name):
    """Writes NAME.png and NAME.svg; returns the sentences and the expectations."""
    figure = pyplot.figure(layout="constrained")
    said = DRAW[name](read(out / f"{name}.csv"), figure)
    figure.savefig(out / f"{name}.png", dpi=120)
    figure.savefig(out / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)
    return said
