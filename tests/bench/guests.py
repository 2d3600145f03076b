# SPDX-License-Identifier: GPL-2.0-or-later
"""The machines that benchmarks run in, and where their figures go."""
import csv
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "out"


def add_kernel_options(parser):
    parser.add_argument("--stale-ok", action="store_true",
                        help="measure the newest kernels, from whatever series")
    parser.add_argument("--patched", metavar="BZIMAGE",
                        help="another kernel than the one of kernel-patches/")


def image_of(options, kernel):
    """The path of its bzImage; beside it lies its .config."""
    if kernel == "patched" and options.patched:
        return pathlib.Path(options.patched)
    newest = ["--newest"] if options.stale_ok else []
    done = subprocess.run([ROOT / "scripts/kernel", "path", *newest, kernel],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return pathlib.Path(done.stdout.strip())


def in_guest(options, kernel, timeout, *command):
    """The lines that a command prints in the guest."""
    done = subprocess.run([ROOT / "scripts/vm", "--kernel", image_of(options, kernel),
                           "--deterministic", "--timeout", str(timeout), "--", *map(str, command)],
                          cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{sys.argv[0]}: {kernel} kernel: failed ({done.returncode}); see above")
    return [line.split(",") for line in done.stdout.splitlines()]


def write_csv(path, header, rows):
    OUT.mkdir(exist_ok=True)
    with open(OUT / path, "w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
