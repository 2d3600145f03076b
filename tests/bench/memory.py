# SPDX-License-Identifier: GPL-2.0-or-later
"""A root directory in memory, for programs that are measured in the guest.

While a program waits for a file of the host, the guest's clock runs from timer to
timer, for minutes if the host is slow.
"""
import os
import pathlib
import re
import shutil
import subprocess

MEMORY = pathlib.Path("/run/bench")  # a tmpfs


def copy_programs(*programs, bind=("/dev",)):
    """Copy programs, at the same paths, and the libraries that they need."""
    files = set()
    for program in programs:
        found = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
        files |= {str(program), *re.findall(r"(/\S+) \(0x", found)}
    for path in files:
        copy = MEMORY / os.path.abspath(path)[1:]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for path in ("/tmp", *bind):
        (MEMORY / path[1:]).mkdir(parents=True, exist_ok=True)
    for path in bind:
        subprocess.run(["mount", "--bind", path, MEMORY / path[1:]], check=True)
