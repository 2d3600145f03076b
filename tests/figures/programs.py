# SPDX-License-Identifier: GPL-2.0-or-later
"""The parameters that programs have, as tcpoptctl reads them from the objects."""
import json
import pathlib
import subprocess

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"


def parameters():
    """{program: names}; None if they are not built, and cannot be checked."""
    ctl = BUILD / "userspace/tcpoptctl"
    if not ctl.exists():
        return None
    done = subprocess.run([ctl, "--programs", BUILD / "bpf-progs", "programs", "--json"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return {program["name"]: [param["name"] for param in program["params"]]
            for program in json.loads(done.stdout)}
