# SPDX-License-Identifier: GPL-2.0-or-later
"""What a declaration may say: the keys of each of its tables, and the kinds of traffic.

`tests/figures/experiments/README.md` has the same for those who write one.
"""
import re
from typing import Any, Callable, NamedTuple

REQUIRED = object()


class Key(NamedTuple):
    types: tuple
    must: str  # what it has to be, for a message
    default: Any = REQUIRED
    good: Callable = lambda value: True


def number(must, low, high=float("inf"), default=REQUIRED):
    return Key((int, float), must, default, lambda value: low <= value <= high)


def whole(must, low, high, default=REQUIRED):
    return Key((int,), must, default, lambda value: low <= value <= high)


def text(must="a text", default=REQUIRED):
    return Key((str,), must, default, bool)


def words(must, default=REQUIRED):
    return Key((list,), must, default,
               lambda value: value and all(isinstance(word, str) for word in value))


def flag(default=False):
    return Key((bool,), "true or false", default)


HOST = re.compile(r"[a-z][a-z0-9-]{0,11}$")
# netem would take 8mbitt for 8 bit/s.
RATE = re.compile(r"\d+(\.\d+)?(bit|kbit|mbit|gbit)$")

EXPERIMENT = {
    "title": text("a sentence: what is varied, and what is measured"),
    "figure": text('the figure it redraws, as "netdev 5"', "new"),
    "reported": text("what is reported in the paper", ""),
    "different": text("what is not the same here", ""),
    "repetitions": whole("a whole number from 1 to 1000", 1, 1000, 5),
    "seed": whole("a whole number from 0", 0, 2**32, 1),
    "minutes": number("about how long it takes, in minutes", 0, default=1),
    "links": Key((list,), "at least one [[links]]", REQUIRED, bool),
    "traffic": Key((dict,), "a table [traffic]"),
    "programs": Key((dict,), "tables [programs.HOST]", {}),
    "sysctls": Key((dict,), "tables [sysctls.HOST]", {}),
    "sweep": Key((dict,), "a table [sweep] of one parameter and its values", {}),
    "series": Key((list,), "tables [[series]]", []),
    "events": Key((list,), "tables [[events]]", []),
    "measures": words("a list of measures of this kind of traffic"),
    "expect": Key((list,), "at least one [[expect]]", REQUIRED, bool),
}
# These may differ between series; the rest is one for all.
VARIED = ("links", "traffic", "programs", "sysctls", "events")
# Of the CSV files, beside the sweep and the measures.
COLUMNS = ("series", "repetition", "seconds", "measure", "value", "unit", "host", "program",
           "counter")

LINK = {
    "between": Key((list,), 'two hosts, as ["client", "server"]', ["client", "server"],
                   lambda value: len(set(map(str, value))) == len(value) == 2 and all(
                       isinstance(name, str) and HOST.match(name) for name in value)),
    "rate": Key((str,), 'a rate as "8mbit" or "500kbit"', "", lambda value: RATE.match(value)),
    "rtt": number("milliseconds there and back, half of it each way", 0, 60000, 0),
    "loss": number("percent of the packets, each way, from 0 to 100", 0, 100, 0),
    "queue": whole("packets that wait for the link each way, from 1", 1, 1000000, 1000),
}
EVENT = {
    "at": number("seconds after the start of the traffic", 0),
    "every": number("seconds after which it is done again, from 0.1", 0.1, default=None),
    "link": whole("the number of a link, from 1", 1, 1000, None),
    "host": text("a host whose program is set", None),
    "program": text("the program to set", None),
    "set": Key((dict,), "a table: what becomes what; lists are gone through by `every`", None,
               bool),
    "reset": flag(None),
}
SERIES = {"name": text("what the legend says")}
EXPECT = {
    "says": text("what is to be seen, as a sentence"),
    "that": text("a comparison of measures, as \"rtt['bbr'] < rtt['cubic']\""),
    "published": text("what the paper has for it, with its unit", ""),
    "ours": text("an expression for the same of ours", ""),
    "differs": text("why it is known not to hold here", ""),
}


class Measure(NamedTuple):
    unit: str
    says: str
    sampled: bool = False  # over the time of one repetition, too


ENDS = {"from": text("the host that sends", "server"),
        "to": text("the host that receives", "client")}
OPENS = {"opens": text("the host that connects", "client")}
SECONDS = number("seconds, from 0.1 to 3600", 0.1, 3600)
SUBFLOWS = {"subflows": whole("subflows of an MPTCP session to wait for, 0 for TCP", 0, 32, 0)}
ON_LINKS = {f"link_{n}": Measure("Mbit/s", f"what the receiver had over link {n}", True)
            for n in range(1, 5)}


class Kind(NamedTuple):
    keys: dict
    measures: dict


KINDS = {
    # As much as the connections take.
    "bulk": Kind(ENDS | OPENS | SUBFLOWS | {
        "seconds": SECONDS,
        "connections": whole("connections at a time, 1 to 1000", 1, 1000, 1),
    }, {
        "throughput": Measure("Mbit/s", "bytes that the application received", True),
        "rtt": Measure("ms", "smoothed round-trip time, as the sender's kernel has it", True),
        "cwnd": Measure("MSS", "congestion window of the sender", True),
        "acks": Measure("per segment", "segments back for each one with data"),
        "retransmitted": Measure("%", "segments sent again"),
        "busy": Measure("%", "time for which the CPU of both ends and the links was not idle"),
        **ON_LINKS,
    }),
    # Each with the time at which it was given to the kernel.
    "messages": Kind(ENDS | OPENS | SUBFLOWS | {
        "seconds": SECONDS,
        "size": whole("bytes of each, 16 to 1000000", 16, 1000000),
        "interval": number("seconds between two, from 0.001", 0.001, 60),
    }, {
        "delay": Measure("ms", "from one application to the other, whole messages", True),
        **ON_LINKS,
    }),
    # nginx serves a document and its objects, libcurl gets them over a few connections.
    "page": Kind(ENDS | {
        "objects": whole("objects beside the document, 1 to 10000", 1, 10000),
        "median": whole("bytes: half of the objects are smaller", 1, 10**9),
        "sigma": number("of the normal distribution of ln(size)", 0, 5, 1.5),
        "connections": whole("connections at a time, 1 to 1000", 1, 1000, 6),
    }, {
        "load": Measure("ms", "from the first connect to the last byte"),
        "page_size": Measure("kB", "bytes of the page, the same for all series"),
        "connections": Measure("", "connections that were made"),
    }),
    # A new connection for each.
    "requests": Kind(ENDS | {
        "mptcp": flag(),
        "count": whole("transfers, one after the other, 1 to 100000", 1, 100000),
        "size": whole("bytes of each", 1, 10**9),
    }, {
        "completion": Measure("ms", "from connect to the last byte, median of the transfers"),
        "joined": Measure("a transfer", "further subflows that joined, of MPTCP"),
    }),
}
