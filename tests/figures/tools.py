# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are used in mid-experiment, taken out of the host's file system.

Opening a file of the host takes the host's time. The guest is idle meanwhile, and the
clock of a deterministic one then goes on to its next timer, seconds away: a delay that
was to change after ten seconds would change after thirty. What was written to lies in
the guest's memory.
"""
import os
import pathlib
import re
import shutil

from net import run

NAMES = ("ip", "ss", "tc")
CONFIGURATION = ("/etc/ld.so.cache", "/etc/iproute2")


def needed(program):
    """The libraries of a program, its loader among them."""
    return re.findall(r"(/\S+) \(0x", run("ldd", program))


def in_memory(*more):
    """Have these and NAMES, with what they need, in memory."""
    programs = [shutil.which(name) for name in NAMES] + [str(path) for path in more]
    found = {pathlib.Path(path).resolve() for program in programs
             for path in (program, *needed(program))}
    for path in map(pathlib.Path, CONFIGURATION):
        found |= {path, *path.glob("*")}
    for path in found:
        if path.is_file():
            os.utime(path)
