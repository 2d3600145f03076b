# SPDX-License-Identifier: GPL-2.0-or-later
"""Run experiments in the guest: guest.py OUT EXPERIMENT...; writes OUT/EXPERIMENT.csv."""
import csv
import pathlib
import sys
import time

from experiments import EXPERIMENTS
from lab import Lab


def main():
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    lab = Lab()
    for number, name in enumerate(names, 1):
        experiment = EXPERIMENTS[name]
        print(f"==> {number} of {len(names)}: {name}. {experiment.__doc__}", flush=True)
        start, rows = time.monotonic(), 0
        with open(out / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            for row in experiment(lab):
                writer.writerow(row)
                rows += 1
        lab.reset()
        print(f"    {rows - 1} rows in {time.monotonic() - start:.0f} s of the guest", flush=True)


if __name__ == "__main__":
    main()
