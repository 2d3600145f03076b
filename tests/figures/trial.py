# SPDX-License-Identifier: GPL-2.0-or-later
"""One repetition of a declared experiment: its traffic, and what was measured.

Each kind of traffic is a function of this name, see kinds.KINDS; it returns {measure:
value} and a list of (second, measure, value).
"""
import math
import statistics
import time

import declare
from daemon import eventually
from kinds import KINDS
from lab import PORT
from web import write_page

INFO, PERIOD = 0.1, 0.5  # s, between samples of tcp_info, and of what came


def idle():
    """Seconds for which the CPU was idle, since it is up."""
    with open("/proc/stat", encoding="ascii") as file:
        words = file.readline().split()
    return (int(words[4]) + int(words[5])) / 100


def do_events(lab, point, start):
    """Each in time, or the figure would show something else."""
    due = [(second, event, values) for event in point.events
           for second, values in declare.happenings(event, point.traffic["seconds"])]
    for second, event, values in sorted(due, key=lambda one: one[0]):
        time.sleep(max(0, start + second - time.monotonic()))
        if event["program"]:
            lab.set(event["host"], event["program"], **values)
        elif event["reset"]:
            lab.cut(event["link"] - 1)
        if event["link"] and values:
            lab.network.shape(event["link"] - 1, **values)
        late = time.monotonic() - start - second
        if late > 0.5:
            raise RuntimeError(f"what was to happen after {second} s came {late:.1f} s late")


def connections(lab, spec):
    """(sender, its sockets), (receiver, its sockets)"""
    other = spec["to"] if spec["opens"] == spec["from"] else spec["from"]
    opens, accepts = lab.ends[spec["opens"]], lab.ends[other]
    mptcp, count = bool(spec["subflows"]), spec.get("connections", 1)
    listener = accepts.listen("0.0.0.0", PORT, mptcp=mptcp)
    accepts.start("accept_all", listener, count)
    outs = opens.connect_all(lab.network.first_address(other), PORT, count, mptcp=mptcp)
    inns = accepts.wait()
    if mptcp:
        lab.join(opens, outs, accepts, inns)
        eventually(lambda: lab.established(spec["opens"]) == count * spec["subflows"],
                   f"{spec['subflows']} subflows")
    ends = [(opens, outs), (accepts, inns)]
    return ends if spec["opens"] == spec["from"] else ends[::-1]


def over_links(lab, host, rows):
    """Samples of link_1 and so on."""
    for n, (_, counts) in enumerate(rows, 1):
        for number in range(len(lab.network.links)):
            if interface := lab.network.interfaces.get((number, host)):
                yield n * PERIOD, f"link_{number + 1}", counts[interface] * 8 / 1e6 / PERIOD


def medians(samples):
    """Of each measure that was sampled."""
    found = {}
    for _, name, value in samples:
        found.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in found.items()}


def bulk(lab, point, _):
    spec = point.traffic
    (sender, sent), (receiver, received) = connections(lab, spec)
    was_idle, start = idle(), time.monotonic()
    receiver.start("absorb", received, start, PERIOD)
    sender.start("pour", sent, start, spec["seconds"], INFO)
    do_events(lab, point, start)
    infos = sender.wait()
    busy = 1 - (idle() - was_idle) / (time.monotonic() - start)
    rows = receiver.wait()[0][:max(1, int(spec["seconds"] / PERIOD))]
    rates = [count * 8 / 1e6 / PERIOD for count, _ in rows]
    samples = [(n * PERIOD, "throughput", rate) for n, rate in enumerate(rates, 1)]
    for when, each in infos:
        samples.append((when, "rtt", statistics.mean(one["rtt"] for one in each) / 1000))
        samples.append((when, "cwnd", statistics.mean(one["cwnd"] for one in each)))
    samples += over_links(lab, spec["to"], rows)
    last = {name: sum(one[name] for one in infos[-1][1]) for name in infos[-1][1][0]}
    data = max(1, last["data_segments_out"])
    return {**medians(samples), "throughput": statistics.mean(rates), "busy": 100 * busy,
            "acks": last["segments_in"] / data,
            "retransmitted": 100 * last["retransmitted"] / data}, samples


def messages(lab, point, _):
    spec = point.traffic
    (sender, sent), (receiver, received) = connections(lab, spec)
    start = time.monotonic()
    receiver.start("absorb", received, start, PERIOD, messages=True)
    sender.start("say", sent, start, *(spec[key] for key in ("seconds", "size", "interval")))
    do_events(lab, point, start)
    sender.wait()
    rows, took = receiver.wait()
    samples = [(n * spec["interval"], "delay", 1000 * one) for n, one in enumerate(took)]
    samples += over_links(lab, spec["to"], rows[:max(1, int(spec["seconds"] / PERIOD))])
    return medians(samples), samples


def page(lab, point, rng):
    spec = point.traffic
    write_page([max(1, round(spec["median"] * math.exp(rng.gauss(0, spec["sigma"]))))
                for _ in range(spec["objects"] + 1)])
    base = f"http://{lab.network.first_address(spec['from'])}:{PORT}"
    took, size, made = lab.ends[spec["to"]].load_page(base, spec["objects"], spec["connections"])
    return {"load": 1000 * took, "page_size": size / 1000, "connections": made}, []


def joins(end):
    """Further subflows that this host asked for and got."""
    return end.netstat()["MPTcpExt"]["MPJoinSynAckRx"]


def requests(lab, point, _):
    spec = point.traffic
    sender, receiver = lab.ends[spec["from"]], lab.ends[spec["to"]]
    listener = sender.listen("0.0.0.0", PORT, mptcp=spec["mptcp"])
    before = joins(receiver)
    sender.start("answer", listener, spec["count"], spec["size"])
    took = receiver.ask(lab.network.first_address(spec["from"]), PORT, spec["count"], spec["mptcp"])
    sender.wait()
    return {"completion": 1000 * statistics.median(took),
            "joined": (joins(receiver) - before) / spec["count"]}, []


TRAFFIC = {"bulk": bulk, "messages": messages, "page": page, "requests": requests}
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


def stop_serving(lab, traffic):
    if traffic["kind"] == "page":
        lab.ends[traffic["from"]].stop_serving()


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
