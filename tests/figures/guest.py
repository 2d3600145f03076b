# SPDX-License-Identifier: GPL-2.0-or-later
"""Run experiments in the guest: guest.py OUT EXPERIMENT...

Writes OUT/EXPERIMENT.csv, and OUT/EXPERIMENT.json: what it was measured on.
"""
import csv
import json
import os
import pathlib
import sys
import time

from experiments import delay_threshold, rate_limit, scheduler
from lab import Lab
from sessions import idle_timeout

EXPERIMENTS = {"rate-limit": rate_limit, "scheduler": scheduler,
               "delay-threshold": delay_threshold, "idle-timeout": idle_timeout}


def processor():
    """Ticks so far, and those of them that were idle."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def main():
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    lab = Lab()
    for number, name in enumerate(names, 1):
        experiment = EXPERIMENTS[name]
        print(f"==> {number} of {len(names)}: {name}. {experiment.__doc__}", flush=True)
        start, before = time.monotonic(), processor()
        rows = list(experiment(lab))
        ticks, idle = (after - earlier for after, earlier in zip(processor(), before))
        with open(out / f"{name}.csv", "w", newline="", encoding="ascii") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        about = {"kernel": os.uname().release, "busy": round(1 - idle / ticks, 2)}
        (out / f"{name}.json").write_text(json.dumps(about) + "\n", encoding="ascii")
        lab.reset()
        print(f"    {len(rows) - 1} rows in {time.monotonic() - start:.0f} s of the guest, "
              f"whose CPU was busy for {about['busy']:.0%} of it", flush=True)


if __name__ == "__main__":
    main()
