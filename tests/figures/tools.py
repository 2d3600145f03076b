# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are used in mid-experiment, taken out of the host's file system.

Opening a file of the host, or following a link there, takes the host's time. The guest
is idle meanwhile, and the clock of a deterministic one then goes on to its next timer,
seconds away: a delay that was to change after ten seconds would change after thirty.
What was touched lies in the guest's memory from then on.
"""
import os
import pathlib
import re
import shutil

from net import run

NAMES = ("ip", "nginx", "ss", "sysctl", "tc")
PATH = "/usr/sbin:/usr/bin"  # nothing else is looked through
CONFIGURATION = (pathlib.Path("/etc/ld.so.cache"), pathlib.Path("/etc/iproute2"))


def touch(path):
    """A file, and the links on the way to it."""
    for part in (*reversed(path.parents), path):
        if part.is_symlink():
            os.utime(part, follow_symlinks=False)
            touch(part.parent / os.readlink(part))
    if path.is_file() and not path.is_symlink():
        os.utime(path)


def needed(program):
    """The libraries of a program, its loader among them."""
    return re.findall(r"(/\S+) \(0x", run("ldd", program))


def in_memory(*programs):
    """Have these and NAMES, with what they need, in memory."""
    os.environ["PATH"] = PATH
    for program in (*map(shutil.which, NAMES), *map(str, programs)):
        for path in (program, *needed(program)):
            touch(pathlib.Path(path))
    for path in (*CONFIGURATION, *CONFIGURATION[-1].glob("*")):
        touch(path)
