#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run one of the kernel's MPTCP selftests, in the guest, from memory.

Usage, as root in the guest: guest.py SELFTESTS SEED SCRIPT [OPTION]...

They start a thousand programs, and have limits of time that are meant for machines:
here an instruction takes a nanosecond, and nothing waits for a file of the host.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from memory import MEMORY, copy_programs  # noqa: E402

TESTS = "net/mptcp"


def programs_of(scripts):
    """Every word of the scripts that is the name of a program."""
    words = {word for path in scripts for word in re.findall(r"[\w.-]+", path.read_text())}
    return sorted(filter(None, map(shutil.which, words)))


def main():
    selftests, seed, script = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    MEMORY.mkdir()
    # A mount point, because `ip netns exec` changes the root's mounts.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", MEMORY], check=True)
    shutil.copytree(selftests, MEMORY / "selftests")
    programs = [path for path in (selftests / TESTS).iterdir()
                if path.suffix == "" and os.access(path, os.X_OK)]
    copy_programs("/bin/bash", "/bin/sh", *programs, *programs_of(selftests.rglob("*.sh")),
                  bind=("/dev", "/proc", "/sys", "/run"))
    # bash reads this file first, and then draws the same numbers each time.
    (MEMORY / "seed").write_text(f"RANDOM={seed}\n")
    os.chroot(MEMORY)
    os.chdir(f"/selftests/{TESTS}")
    os.environ["BASH_ENV"] = "/seed"
    os.execv("/bin/bash", ["bash", script, *sys.argv[4:]])


main()
