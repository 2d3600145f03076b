# SPDX-License-Identifier: GPL-2.0-or-later
"""The page that shows the figures beside what is reported in the papers."""
import html
import json
import time
from typing import NamedTuple

# Of those that are not declared: title and figure; what the thesis reports; what is different here.
REPORTED = {
    "idle-timeout": (
        "Sessions and memory with and without an inactivity timeout", "thesis 6.14",
        "20 000 sessions in an hour whose subflows were all reset, kept by the server for "
        "ever or for 4 minutes, on a machine of 8 GB. With the timeout the number of sessions and "
        "the kernel's memory stay level from then on; without, both grow.",
        "Here 4 000 in a minute, kept for 20 s, and both ends on one kernel, whose slabs and "
        "stacks are counted. Linux 6.12 does not keep them for ever by itself, but for "
        "net.mptcp.close_timeout, 60 s by default; here that is a day without a timeout."),
}
STYLE = """body{font-family:sans-serif;max-width:60em;margin:1em auto;padding:0 1em}
img{max-width:100%}td{vertical-align:top;width:50%;padding:.5em;border:1px solid #ccc}
table{border-collapse:collapse}.verdicts td{width:auto}.verdicts{margin:.5em 0}"""


class Section(NamedTuple):
    """Of one experiment."""
    name: str
    title: str
    figure: str
    reported: str
    different: str
    sentences: list
    verdicts: list


class Verdict(NamedTuple):
    """Of an expectation. `differs`: why it is known not to hold."""
    words: str
    holds: bool
    published: str = ""
    ours: str = ""
    differs: str = ""


def about(out, name):
    """What it was measured on, and when."""
    with open(out / f"{name}.json", encoding="ascii") as file:
        said = json.load(file)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime((out / f"{name}.csv").stat().st_mtime))
    repeated = (f" {said['repetitions']} repetitions, seed {said['seed']}; lines are medians, "
                "shades from the first to the third quartile." if "seed" in said else "")
    return (f"Measured {when} on the patched Linux {said['kernel']}; its CPU was busy for "
            f"{said['busy']:.0%} of the time.{repeated}")


def judged(verdicts):
    """A table, with the published values where there are some."""
    lines = "".join(
        f"<tr><td>{html.escape(one.words)}<td>{html.escape(one.published)}"
        f"<td>{html.escape(one.ours)}"
        f"<td><b>{'yes' if one.holds else 'NO'}</b> "
        f"{'' if one.holds else html.escape(one.differs)}</tr>" for one in verdicts)
    return ("<table class='verdicts'><tr><th>expected<th>published<th>ours<th>agrees</tr>"
            f"{lines}</table>")


def links(out, name):
    found = [path for path in sorted(out.glob(f"{name}*")) if path.stem == name or
             path.stem in (f"{name}-{part}" for part in ("samples", "quartiles", "counters"))]
    return ", ".join(f"<a href='{path.name}'>{path.name}</a>" for path in found)


def written(out, section):
    told = "".join(f"<p><b>{title}:</b> {html.escape(words)}" for title, words in (
        ("Reported", section.reported), ("Not the same here", section.different)) if words)
    return (f"<h2 id='{section.name}'>{section.name} ({html.escape(section.figure)})</h2>"
            f"<p>{html.escape(section.title)}<table><tr><td>{told or 'Nothing to compare with.'}"
            f"</td><td><b>Here:</b> {html.escape(' '.join(section.sentences))}"
            f"<p>{html.escape(about(out, section.name))} {links(out, section.name)}</td></tr>"
            f"</table>{judged(section.verdicts)}"
            f"<img src='{section.name}.svg' alt='{section.name}'>")


def write(out, sections):
    """Returns the path."""
    (out / "index.html").write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>tcpopt: figures</title>"
        f"<style>{STYLE}</style><h1>The figures of the papers, redrawn</h1>"
        "<p>Of <i>Making the Linux TCP stack more extensible with eBPF</i> (netdev 0x13, 2019) and "
        "of <i>Measuring and Extending Multipath TCP</i> (thesis, 2019). Hosts are network "
        "namespaces of one virtual machine; netem makes the paths. On its CPU an instruction "
        "takes a nanosecond, whatever the machine it runs on takes."
        + "".join(written(out, section) for section in sections) + "</html>\n", encoding="utf-8")
    return out / "index.html"
