# SPDX-License-Identifier: GPL-2.0-or-later
"""tcpopt-loader, and what it has attached to the hosts' cgroups."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "vm"))
import net
import tools

BUILD = pathlib.Path(os.environ.get("TCPOPT_BUILD", ROOT / "build"))
LOADER, CTL = BUILD / "userspace/tcpopt-loader", BUILD / "userspace/tcpoptctl"
BPFFS, RUN_DIR = pathlib.Path("/sys/fs/bpf/figures"), pathlib.Path("/run/figures")
CGROUP = pathlib.Path("/sys/fs/cgroup")


def eventually(condition, what, timeout=3600):
    """The guest's clock leaps while it waits for the host: minutes mean little."""
    return net.eventually(condition, what, timeout)


class Daemon:
    """One for all experiments. Nothing of it is left when the guest powers off."""

    def __init__(self):
        tools.in_memory(LOADER, CTL)
        for directory in (BPFFS, RUN_DIR):
            directory.mkdir(parents=True, exist_ok=True)
        programs = shutil.copytree(BUILD / "bpf-progs", RUN_DIR / "programs")
        with open(RUN_DIR / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [LOADER, "--run-dir", RUN_DIR, "--bpffs", BPFFS, "--programs", programs],
                stderr=log)
        self.attached = []
        eventually(lambda: self.ctl("list", check=False) is not None, "daemon")

    @staticmethod
    def ctl(*words, check=True):
        done = subprocess.run([CTL, "--run-dir", RUN_DIR, *words],
                              capture_output=True, text=True, check=False)
        if done.returncode and check:
            raise RuntimeError(done.stderr.strip())
        return None if done.returncode else done.stdout

    def attach(self, name, program, **params):
        self.ctl("attach", program, "--cgroup", CGROUP / name,
                 *[f"--set={key}={value}" for key, value in params.items()])
        self.attached.append((name, program))

    def set(self, name, program, **params):
        self.ctl("set", program, "--cgroup", CGROUP / name,
                 *[f"{key}={value}" for key, value in params.items()])

    def stats(self, name, program):
        for one in json.loads(self.ctl("list", "--json")):
            if one["name"] == program and one["cgroup"] == str(CGROUP / name):
                return one["stats"]
        raise RuntimeError(f"{program} is not attached")

    def detach_all(self):
        while self.attached:
            name, program = self.attached.pop()
            self.ctl("detach", program, "--cgroup", CGROUP / name)
