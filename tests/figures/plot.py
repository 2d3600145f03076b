# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw the figures, and write the page that shows them beside what the thesis reports."""
import csv
import html
import statistics

import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot

# Of each experiment: figure of the thesis, what it reports, in our words.
REPORTED = {
    "rate-limit": ("6.11", "Two paths of 20 Mbit/s, 20 ms. Throughput of the second path before "
                           "and after the client capped it at 4 Mbit/s: it follows the cap "
                           "(there by a clamped window, here by pacing)."),
    "scheduler": ("6.12", "Two paths of 20 Mbit/s whose delay varies between 20 and 150 ms. The "
                          "redundant scheduler's round-trip time at MPTCP level is below the "
                          "default one's most of the time. There during a bulk transfer, here the "
                          "one-way delay of messages of 8 kB, 50 a second."),
    "delay-threshold": ("6.13", "One-way delays of 5 ms. When the first path's round-trip time "
                                "passes the threshold of 100 ms the server goes over to the "
                                "second one. Here the first one recovers, too."),
    "idle-timeout": ("6.14", "Sessions whose subflows were reset, 20 000 in an hour, kept by the "
                             "server for ever or for 4 minutes: with the timeout their number and "
                             "the memory of the kernel stay level. Here 2 000 in a minute, kept "
                             "for 20 s."),
}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(data, name):
    return [float(row[name]) for row in data]


def groups(data, key):
    found = {}
    for row in data:
        found.setdefault(row[key], []).append(row)
    return found


def rate_limit(data, axes):
    seconds = column(data, "seconds")
    for path in (1, 2):
        axes.plot(seconds, column(data, f"path_{path}_mbit"), label=f"path {path}")
    axes.axhline(4, linestyle=":", color="grey", label="cap of path 2, from 10 to 30 s")
    axes.set(xlabel="s", ylabel="Mbit/s", ylim=(0, None))
    capped = [rate for when, rate in zip(seconds, column(data, "path_2_mbit")) if 12 <= when <= 30]
    free = [rate for when, rate in zip(seconds, column(data, "path_2_mbit")) if 3 <= when <= 10]
    return (f"Path 2: {statistics.mean(free):.2f} Mbit/s before, {statistics.mean(capped):.2f} "
            f"while capped at 4 (all bytes of the link, headers included).")


def scheduler(data, axes):
    said = []
    for name, part in groups(data, "scheduler").items():
        delays = sorted(column(part, "delay_ms"))
        axes.plot(column(part, "seconds"), column(part, "delay_ms"), label=name, linewidth=0.8)
        said.append(f"{name}: median {delays[len(delays) // 2]:.0f} ms, "
                    f"95 % {delays[len(delays) * 95 // 100]:.0f} ms, "
                    f"{sum(int(part[-1][f'path_{n}_bytes']) for n in (1, 2)) / 1e6:.1f} MB")
    axes.set(xlabel="s", ylabel="delay of a message, ms", ylim=(0, None))
    return "; ".join(said) + "."


def delay_threshold(data, axes):
    said = []
    for limit, part in groups(data, "threshold").items():
        name = f"threshold {limit} ms" if limit != "0" else "no threshold"
        axes.plot(column(part, "seconds"), column(part, "delay_ms"), label=name)
        slow = [float(row["delay_ms"]) for row in part if 12 <= float(row["seconds"]) < 25]
        said.append(f"{name}: {statistics.median(slow):.0f} ms while path 1 is slow, "
                    f"{int(part[-1]['path_2_bytes']) / 1000:.0f} kB over path 2")
    axes.axvspan(10, 25, alpha=0.1, label="path 1 takes 120 ms")
    axes.set(xlabel="s", ylabel="delay of a message, ms", ylim=(0, None))
    return "; ".join(said) + "."


def idle_timeout(data, axes):
    right, said = axes.twinx(), []
    for limit, part in groups(data, "timeout").items():
        name = f"{limit} s" if limit != "0" else "none"
        axes.plot(column(part, "seconds"), column(part, "sessions"), label=f"sessions, {name}")
        right.plot(column(part, "seconds"), [n / 1e6 for n in column(part, "kernel_bytes")],
                   linestyle="--")
        said.append(f"timeout {name}: {part[-1]['sessions']} sessions at the end, "
                    f"{int(part[-1]['kernel_bytes']) / 1e6:.1f} MB of the kernel's memory")
    axes.set(xlabel="s", ylabel="sessions of the server", ylim=(0, None))
    right.set(ylabel="kernel memory beyond the start (dashed), MB", ylim=(0, None))
    return "; ".join(said) + "."


DRAW = {"rate-limit": rate_limit, "scheduler": scheduler, "delay-threshold": delay_threshold,
        "idle-timeout": idle_timeout}


def page(out, said):
    parts = []
    for name, text in said.items():
        figure, reported = REPORTED[name]
        parts.append(f"<h2>{name} (figure {figure})</h2><p>Thesis: {html.escape(reported)}</p>"
                     f"<p>Here: {html.escape(text)} <a href='{name}.csv'>data</a></p>"
                     f"<img src='{name}.svg' alt='{name}'>")
    (out / "index.html").write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>tcpopt: figures</title>"
        "<style>body{font-family:sans-serif;max-width:50em;margin:auto}img{max-width:100%}</style>"
        "<h1>MPTCP options: the thesis' figures, redrawn</h1>" + "".join(parts) + "</html>\n",
        encoding="utf-8")
    return out / "index.html"


def draw(out, names):
    """Yields what was written."""
    said = {}
    for name in DRAW:
        if not (out / f"{name}.csv").exists():
            continue
        figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
        said[name] = DRAW[name](rows(out / f"{name}.csv"), axes)
        axes.set_title(name)
        axes.legend(loc="best")
        axes.grid(alpha=0.3)
        for kind in ("png", "svg"):
            figure.savefig(out / f"{name}.{kind}", metadata={"Date": None} if kind == "svg" else None)
        pyplot.close(figure)
        if name in names:
            print(f"{name}: {said[name]}")
            yield from (out / f"{name}.{kind}" for kind in ("csv", "png", "svg"))
    yield page(out, said)
