# SPDX-License-Identifier: GPL-2.0-or-later
"""Run experiments in the guest: guest.py OUT REQUEST

REQUEST is JSON: {"names": [...], "repetitions": N or null, "seed": N or null}. Writes
OUT/EXPERIMENT.csv, and OUT/EXPERIMENT.json: what it was measured on.
"""
import csv
import json
import os
import pathlib
import random
import sys
import time

import declare
import results
import trial
from daemon import Daemon
from lab import TWO_PATHS, Lab
from sessions import idle_timeout

# What cannot be declared: written down as a program.
EXPERIMENTS = {"idle-timeout": idle_timeout}


def processor():
    """Ticks so far, and those of them that were idle."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def coded(daemon, out, name, _):
    """Those of EXPERIMENTS; returns what there is to say of it."""
    lab = Lab(daemon, TWO_PATHS)
    rows = list(EXPERIMENTS[name](lab))
    lab.remove()
    with open(out / f"{name}.csv", "w", newline="", encoding="ascii") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return {}


def schedule(experiment, repetitions, seed):
    """(repetition, point) in the order of running: mixed, so that what changes in the guest
    with time is not taken for a difference between points."""
    rng = random.Random(seed)
    for repetition in range(1, repetitions + 1):
        for point in rng.sample(experiment.points, len(experiment.points)):
            yield repetition, point


def declared(daemon, out, name, request):
    experiment = declare.named(name)
    repetitions = request["repetitions"] or experiment.about["repetitions"]
    seed = experiment.about["seed"] if request["seed"] is None else request["seed"]
    print(f"    seed {seed}, {repetitions} repetitions of {len(experiment.points)} points",
          flush=True)
    lab = Lab(daemon, experiment.points[0].links)
    trial.serve(lab, experiment.points[0].traffic)
    measured, count = [], repetitions * len(experiment.points)
    for repetition, point in schedule(experiment, repetitions, seed):
        # The same for all points: they are compared pair by pair.
        rng = random.Random(f"{seed} {repetition}")
        values, *rest = trial.run(lab, point, rng)
        measured.append((point, repetition, values, *rest))
        said = ", ".join(f"{what} {values[what]:.4g} {measure.unit}".rstrip()
                         for what, measure in experiment.measures.items())
        print(f"    {len(measured)} of {count}: {point.label(experiment.sweep)}: {said}",
              flush=True)
        lab.reset()
    trial.stop_serving(lab, experiment.points[0].traffic)
    lab.remove()
    results.write_measured(out, experiment, measured)
    return {"seed": seed, "repetitions": repetitions, "declaration": experiment.text}


def main():
    out, request = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
    daemon, names = Daemon(), request["names"]
    for number, name in enumerate(names, 1):
        title = (EXPERIMENTS[name].__doc__ if name in EXPERIMENTS
                 else declare.named(name).about["title"])
        print(f"==> {number} of {len(names)}: {name}. {title}", flush=True)
        start, before = time.monotonic(), processor()
        said = (coded if name in EXPERIMENTS else declared)(daemon, out, name, request)
        ticks, idle = (after - earlier for after, earlier in zip(processor(), before))
        about = {"kernel": os.uname().release, "busy": round(1 - idle / ticks, 2), **said}
        (out / f"{pathlib.Path(name).stem}.json").write_text(json.dumps(about) + "\n",
                                                             encoding="ascii")
        print(f"    done in {time.monotonic() - start:.0f} s of the guest, "
              f"whose CPU was busy for {about['busy']:.0%} of it", flush=True)


if __name__ == "__main__":
    main()
