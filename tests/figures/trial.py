# SPDX-License-Identifier: GPL-2.0-or-later
"""One repetition of a declared experiment: its traffic, and what was measured.

Each kind of traffic is a function of this name, see kinds.KINDS; it returns {measure:
value} and a list of (second, measure, value).
"""
import math
import statistics
import time

from daemon import eventually
from kinds import KINDS
from lab import PORT
from web import write_page

EVERY = {"rtt": 0.1, "throughput": 0.5}  # s, between samples


def idle():
    """Seconds for which the CPU was idle, since it is up."""
    with open("/proc/stat", encoding="ascii") as file:
        words = file.readline().split()
    return (int(words[4]) + int(words[5])) / 100


def do_events(lab, events, start):
    for event in sorted(events, key=lambda one: one["at"]):
        time.sleep(max(0, start + event["at"] - time.monotonic()))
        if event["program"]:
            lab.set(event["host"], event["program"], **event["set"])
        else:
            lab.network.shape(event["link"] - 1, **event["set"])


def connections(lab, spec):
    """(sender, its sockets), (receiver, its sockets)"""
    other = spec["to"] if spec["opens"] == spec["from"] else spec["from"]
    opens, accepts = lab.ends[spec["opens"]], lab.ends[other]
    listener = accepts.listen("0.0.0.0", PORT)
    accepts.start("accept_all", listener, spec["connections"])
    outs = opens.connect_all(lab.network.first_address(other), PORT, spec["connections"])
    ends = [(opens, outs), (accepts, accepts.wait())]
    return ends if spec["opens"] == spec["from"] else ends[::-1]


def bulk(lab, point, _):
    spec = point.traffic
    (sender, sent), (receiver, received) = connections(lab, spec)
    was_idle, start = idle(), time.monotonic()
    receiver.start("absorb", received, start, EVERY["throughput"])
    sender.start("pour", sent, start, spec["seconds"], EVERY["rtt"])
    do_events(lab, point.events, start)
    infos = sender.wait()
    busy = 1 - (idle() - was_idle) / (time.monotonic() - start)
    periods = receiver.wait()[:max(1, int(spec["seconds"] / EVERY["throughput"]))]
    rates = [count * 8 / 1e6 / EVERY["throughput"] for count in periods]
    samples = [((n + 1) * EVERY["throughput"], "throughput", rate)
               for n, rate in enumerate(rates)]
    for when, each in infos:
        samples.append((when, "rtt", statistics.mean(one["rtt"] for one in each) / 1000))
        samples.append((when, "cwnd", statistics.mean(one["cwnd"] for one in each)))
    last = {name: sum(one[name] for one in infos[-1][1]) for name in infos[-1][1][0]}
    data = max(1, last["data_segments_out"])
    return {"throughput": statistics.mean(rates), "busy": 100 * busy,
            "acks": last["segments_in"] / data, "retransmitted": 100 * last["retransmitted"] / data,
            **{name: statistics.median(value for _, what, value in samples if what == name)
               for name in ("rtt", "cwnd")}}, samples


def page(lab, point, rng):
    spec = point.traffic
    write_page([max(1, round(spec["median"] * math.exp(rng.gauss(0, spec["sigma"]))))
                for _ in range(spec["objects"] + 1)])
    base = f"http://{lab.network.first_address(spec['from'])}:{PORT}"
    took, size, made = lab.ends[spec["to"]].load_page(base, spec["objects"], spec["connections"])
    return {"load": 1000 * took, "page_size": size / 1000, "connections": made}, []


def requests(lab, point, _):
    spec = point.traffic
    sender, receiver = lab.ends[spec["from"]], lab.ends[spec["to"]]
    listener = sender.listen("0.0.0.0", PORT)
    sender.start("answer", listener, spec["count"], spec["size"])
    took = receiver.ask(lab.network.first_address(spec["from"]), PORT, spec["count"])
    sender.wait()
    return {"completion": 1000 * statistics.median(took)}, []


TRAFFIC = {"bulk": bulk, "page": page, "requests": requests}
assert TRAFFIC.keys() == KINDS.keys()


def serve(lab, traffic):
    """What is there for all repetitions: a web server, and a page loaded once.

    The first time libraries are read and loaded, which is not what is measured.
    """
    if traffic["kind"] != "page":
        return
    server, client = lab.ends[traffic["from"]], lab.ends[traffic["to"]]
    write_page([1000])
    server.serve(PORT)
    address = lab.network.first_address(traffic["from"])
    eventually(lambda: f":{PORT}" in lab.on(traffic["from"], "ss", "-tlnH"), "nginx")
    client.load_page(f"http://{address}:{PORT}", 0, 1)


def set_up(lab, point):
    for number, link in enumerate(point.links):
        lab.network.shape(number, **{key: value for key, value in link.items() if key != "between"})
    for name, settings in point.sysctls.items():
        for key, value in settings.items():
            lab.on(name, "sysctl", "-qw", f"{key}={value}")
    for name, programs in point.programs.items():
        for program, params in programs.items():
            lab.attach(name, program, **params)


def counters(lab, point):
    """(host, program, counter, value) of what moved: did the programs do what was asked?"""
    return [(name, program, counter, value) for name, programs in point.programs.items()
            for program in programs for counter, value in lab.stats(name, program).items() if value]


def run(lab, point, rng):
    """Set up, and measure."""
    set_up(lab, point)
    # Not each time in the same phase of the kernel's timers.
    time.sleep(rng.uniform(0, 0.1))
    values, samples = TRAFFIC[point.traffic["kind"]](lab, point, rng)
    return values, samples, counters(lab, point)
