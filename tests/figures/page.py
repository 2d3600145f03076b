# SPDX-License-Identifier: GPL-2.0-or-later
"""The page that shows the figures beside what the thesis reports."""
import html
import json
import time

# Of each experiment: figure of the thesis; what it reports; what is different here.
REPORTED = {
    "rate-limit": (
        "6.11", "Two paths of 20 Mbit/s, 20 ms one way. The throughput of the second path "
        "before and after the client capped it at 4 Mbit/s: it follows the cap.",
        "There the server computes a limit of the window from RTT and MSS, here it paces. Here "
        "the cap is lifted again, too."),
    "scheduler": (
        "6.12", "Two paths of 20 Mbit/s whose delay varies between 20 and 150 ms. The redundant "
        "scheduler's round-trip time at MPTCP level is below the default one's for most of the "
        "time, but for a spike at the start.",
        "There during a bulk transfer, where queues add to it; here messages of 8 kB, 50 a "
        "second (3.2 Mbit/s), and the one-way delay until the application has a whole one. How "
        "the delay varies is not said there; here both paths go from 20 to 150 ms and back in "
        "20 s, in opposite phase. Grey: what each path adds by itself."),
    "delay-threshold": (
        "6.13", "Both paths take 5 ms one way, the second is a backup. When the round-trip time of "
        "the first passes the threshold of 100 ms, the server goes over to the second one.",
        "The way back is not in the figure there. Here the first path takes 75 ms from 10 s on, "
        "45 ms from 20 s (a round trip of 90 ms: below the threshold, but by less than the "
        "hysteresis of 20 ms) and 5 ms from 30 s. Messages of 1 kB, 20 a second."),
    "idle-timeout": (
        "6.14", "20 000 sessions in an hour whose subflows were all reset, kept by the server for "
        "ever or for 4 minutes, on a machine of 8 GB. With the timeout the number of sessions and "
        "the kernel's memory stay level from then on; without, both grow.",
        "Here 4 000 in a minute, kept for 20 s, and both ends on one kernel, whose slabs and "
        "stacks are counted. Linux 6.12 does not keep them for ever by itself, but for "
        "net.mptcp.close_timeout, 60 s by default; here that is a day without a timeout."),
}
STYLE = """body{font-family:sans-serif;max-width:60em;margin:1em auto;padding:0 1em}
img{max-width:100%}td{vertical-align:top;width:50%;padding:.5em;border:1px solid #ccc}
table{border-collapse:collapse}"""


def about(out, name):
    """What it was measured on, and when."""
    with open(out / f"{name}.json", encoding="ascii") as file:
        said = json.load(file)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime((out / f"{name}.csv").stat().st_mtime))
    return (f"Measured {when} on the patched Linux {said['kernel']}; its CPU was busy for "
            f"{said['busy']:.0%} of the time.")


def section(out, name, sentences, expected):
    figure, reported, different = REPORTED[name]
    results = "".join(f"<li>{html.escape(words)}: <b>{'yes' if holds else 'NO'}</b></li>"
                      for words, holds in expected)
    return (f"<h2>{name} (figure {figure})</h2><table><tr><td><b>The thesis:</b> "
            f"{html.escape(reported)}<p><b>Not the same here:</b> {html.escape(different)}</td>"
            f"<td><b>Here:</b> {html.escape(' '.join(sentences))}<ul>{results}</ul>"
            f"<p>{html.escape(about(out, name))} <a href='{name}.csv'>CSV</a>, "
            f"<a href='{name}.png'>PNG</a>, <a href='{name}.svg'>SVG</a></td></tr></table>"
            f"<img src='{name}.svg' alt='{name}'>")


def write(out, said):
    """`said`: of each experiment what plot.draw() returned. Returns the path."""
    parts = [section(out, name, *words) for name, words in said.items()]
    (out / "index.html").write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>tcpopt: figures</title>"
        f"<style>{STYLE}</style><h1>MPTCP options: the figures of the thesis, redrawn</h1>"
        "<p>Of section 6.4 of <i>Measuring and Extending Multipath TCP</i> (2019). Both hosts are "
        "network namespaces of one virtual machine; netem makes the paths. On its CPU an "
        "instruction takes a nanosecond, whatever the machine it runs on takes."
        + "".join(parts) + "</html>\n", encoding="utf-8")
    return out / "index.html"
