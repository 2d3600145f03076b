# SPDX-License-Identifier: GPL-2.0-or-later
"""Suites that passed with exactly these inputs need not run again.

An input is every file of the tree that git knows or would know below the
suite's paths, the kernels it boots, and each installed package's version.
Failures are not remembered.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSED = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                      "tcpopt/passed")
KEPT = 4  # reports of one suite


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout


def inputs(paths, kernels):
    """Hash of all that the suite's result can depend on; None outside of git."""
    if subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True, check=False).returncode:
        return None
    known = output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
                   "--", "Makefile", "tests/run", "tests/conftest.py", *paths)
    of = hashlib.sha256(output("dpkg-query", "-W"))
    for kernel in kernels:
        of.update(output("scripts/kernel", "path", kernel))
    for name in sorted(filter(None, known.decode().split("\0"))):
        path = ROOT / name
        if path.is_file():  # or removed
            of.update(f"{name}\0{path.stat().st_mode & 0o111}\0".encode())
            of.update(hashlib.sha256(path.read_bytes()).digest())
    return of.hexdigest()[:16]


def find(suite, key):
    """The report of the run that passed, or None."""
    path = PASSED / f"{suite}-{key}.xml"
    return path if key and path.exists() else None


def keep(suite, key, report):
    if not key:
        return
    PASSED.mkdir(parents=True, exist_ok=True)
    path = PASSED / f"{suite}-{key}.xml"
    shutil.copyfile(report, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
    older = sorted(PASSED.glob(f"{suite}-*.xml"), key=lambda p: p.stat().st_mtime)[:-KEPT]
    for path in older:
        path.unlink(missing_ok=True)
