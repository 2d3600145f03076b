# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/setup, scripts/series and scripts/kernel where they must refuse or repeat.

The source tree is a toy of two files, so that each test takes a second.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BODY = "".join(f"int line{n};\n" for n in range(30))


def program(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class Toy:
    """A cache, a source package and a series of their own."""

    def __init__(self, tmp):
        self.tmp, self.series = tmp, tmp / "series"
        self.series.mkdir()
        self.env = {
            **os.environ, "XDG_CACHE_HOME": str(tmp), "TCPOPT_SERIES": str(self.series),
            "TCPOPT_SOURCE_TARBALL": str(tmp / "source.tar.xz"),
            "PATH": f"{tmp}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
        }
        self.git = tmp / "tcpopt" / "git"
        self.release("6.12.1-1~test", BODY)

    def release(self, version, body):
        source = self.tmp / "linux-source"
        (source / "net").mkdir(parents=True, exist_ok=True)
        (source / "net" / "a.c").write_text(body)
        (source / "net" / "b.c").write_text(BODY)
        with tarfile.open(self.tmp / "source.tar.xz", "w:xz") as tar:
            tar.add(source, "linux-source")
        program(self.tmp / "bin" / "dpkg-query", f"#!/bin/sh\necho 'ii {version}'\n")

    def run(self, *command):
        return subprocess.run([TOP / "scripts" / command[0], *command[1:]], env=self.env,
                              capture_output=True, text=True)

    def ok(self, *command):
        r = self.run(*command)
        assert r.returncode == 0, r.stderr
        return r

    def commit(self, file, old, new, subject):
        path = self.git / file
        path.write_text(path.read_text().replace(old, new))
        for words in (["add", "-A"], ["commit", "-qm", f"{subject}\n\nWhy."]):
            subprocess.run(["git", "-C", self.git, *words], env=self.env, check=True)


@pytest.fixture
def toy(tmp_path):
    return Toy(tmp_path)


@pytest.fixture
def toy_series(toy):
    toy.ok("series", "apply")
    toy.commit("net/a.c", "int line15;\n", "int line15;\nint mine;\n", "a: first")
    toy.commit("net/b.c", "int line2;\n", "", "b: second")
    toy.ok("series", "export")
    return toy


def contents(directory):
    return {p.name: p.read_text() for p in directory.iterdir()}


def test_export_is_stable_and_apply_brings_it_back(toy_series):
    before = contents(toy_series.series)
    assert sorted(before) == ["0001-a-first.patch", "0002-b-second.patch", "base", "series"]
    assert "version=6.12.1-1~test\n" in before["base"] and "sha256=" in before["base"]
    shutil.rmtree(toy_series.git)
    toy_series.ok("series", "apply")
    assert "int mine;" in (toy_series.git / "net/a.c").read_text()
    toy_series.ok("series", "status")
    toy_series.ok("series", "export")
    assert contents(toy_series.series) == before


def test_apply_keeps_work_that_was_not_exported(toy_series):
    toy_series.commit("net/a.c", "int line20;\n", "", "a: third")
    toy_series.ok("series", "apply")
    log = subprocess.run(["git", "-C", toy_series.git, "log", "--format=%s", "tcpopt-before-1"],
                         capture_output=True, text=True, check=True).stdout
    assert log.startswith("a: third\n")


def test_apply_does_not_touch_uncommitted_work(toy_series):
    (toy_series.git / "net/a.c").write_text("half a thought\n")
    r = toy_series.run("series", "apply")
    assert r.returncode == 1 and "not committed" in r.stderr
    assert (toy_series.git / "net/a.c").read_text() == "half a thought\n"


def test_a_conflict_names_patch_and_file_and_changes_nothing(toy_series):
    toy_series.release("6.12.2-1~test", BODY.replace("int line15;\n", "long line15;\n"))
    r = toy_series.run("kernel", "build", "patched")
    assert r.returncode == 1
    last = r.stderr.splitlines()[-1]
    for word in ("0001-a-first.patch", "net/a.c", "6.12.1-1~test", "6.12.2-1~test", "scripts/series apply"):
        assert word in last
    assert not (toy_series.tmp / "tcpopt" / "tree").exists()
    assert not list((toy_series.tmp / "tcpopt" / "tmp").iterdir())


def test_fuzz_is_a_conflict(toy_series):
    # One line of context differs: patch(1) by itself would take it.
    toy_series.release("6.12.2-1~test", BODY.replace("int line13;\n", "long line13;\n"))
    r = toy_series.run("kernel", "build", "patched")
    assert r.returncode == 1 and "0001-a-first.patch" in r.stderr and "net/a.c" in r.stderr


def test_a_patch_that_is_listed_but_not_there(toy_series):
    (toy_series.series / "0001-a-first.patch").unlink()
    r = toy_series.run("kernel", "build", "patched")
    assert r.returncode == 1 and "0001-a-first.patch" in r.stderr


def patched(toy, *patches):
    """What scripts/kernel-lib.sh makes of a build tree."""
    script = '. scripts/lib.sh; . scripts/kernel-lib.sh; patch_tree "$CACHE/tree/t" "$@"'
    subprocess.run(["bash", "-euo", "pipefail", "-c", script, "scripts/kernel", *patches],
                   cwd=TOP, env=toy.env, check=True)
    return toy.tmp / "tcpopt" / "tree" / "t"


def test_patching_changes_only_the_files_that_differ(toy_series):
    one, two = sorted(toy_series.series.glob("*.patch"))
    tree = patched(toy_series, one, two)
    assert "int mine;" in (tree / "net/a.c").read_text()
    assert "int line2;\n" not in (tree / "net/b.c").read_text()
    untouched = (tree / "net/a.c").stat().st_mtime_ns
    start = time.time_ns()
    time.sleep(0.05)
    patched(toy_series, one)
    assert (tree / "net/a.c").stat().st_mtime_ns == untouched
    assert (tree / "net/b.c").read_text() == BODY
    # Newer than any object: make must see that it went back.
    assert (tree / "net/b.c").stat().st_mtime_ns > start
    # The pristine tree shares its files with this one, and stays.
    assert (toy_series.tmp / "tcpopt/source/6.12.1-1~test/net/a.c").read_text() == BODY


def test_an_interrupted_patching_is_healed_by_the_next(toy_series):
    one, two = sorted(toy_series.series.glob("*.patch"))
    tree = patched(toy_series, one, two)
    (tree / "net/a.c").unlink()
    (tree / "net/a.c").write_text("half\n")
    patched(toy_series)
    assert (tree / "net/a.c").read_text() == BODY and (tree / "net/b.c").read_text() == BODY


def test_a_lost_symbol_is_named(tmp_path):
    config, fragment = tmp_path / ".config", tmp_path / "fragment"
    config.write_text("CONFIG_NET=y\nCONFIG_X=y\n# CONFIG_Y is not set\n")
    fragment.write_text("# why\nCONFIG_NET=y\nCONFIG_MPTCP=y\n# CONFIG_X is not set\n# CONFIG_Z is not set\n")
    script = '. scripts/lib.sh; . scripts/kernel-lib.sh; check_survival "$@"'
    r = subprocess.run(["bash", "-euo", "pipefail", "-c", script, "scripts/kernel", config, fragment],
                       cwd=TOP, capture_output=True, text=True)
    assert r.returncode == 1
    assert "lost # CONFIG_X is not set, CONFIG_MPTCP=y;" in r.stderr
    assert "CONFIG_NET" not in r.stderr and "CONFIG_Z" not in r.stderr


def test_symbols_of_the_series_are_those_left_out_of_the_stock_kernel():
    """One outside of that group is a symbol that the stock kernel loses."""
    added = {line.split()[1] for patch in (TOP / "kernel-patches/6.12").glob("*.patch")
             for line in patch.read_text().splitlines() if re.match(r"\+config \w+$", line)}
    script = ". scripts/lib.sh; . scripts/kernel-lib.sh; own_symbols"
    r = subprocess.run(["bash", "-euo", "pipefail", "-c", script, "scripts/kernel"],
                       cwd=TOP, capture_output=True, text=True, check=True)
    assert {f"CONFIG_{symbol}" for symbol in added} == set(r.stdout.split())


# --- setup ---


def run_setup(tmp_path, names, env=None):
    (tmp_path / "list").write_text(f"# why\n{names}\n")
    shutil.copytree(TOP / "scripts", tmp_path / "scripts", dirs_exist_ok=True)
    program(tmp_path / "bin" / "sudo", "#!/bin/sh\nexit 1\n")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.owner() == "root" and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    command = [tmp_path / "scripts" / "setup", "--packages", tmp_path / "list"]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={
        "HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


def test_setup_without_root_prints_the_one_command(tmp_path):
    r = run_setup(tmp_path, "bash no-such-package-a\nno-such-package-b")
    assert r.returncode == 1
    assert r.stderr.count("\n") == 1
    assert r.stderr.strip().endswith(
        "apt-get install -y --no-install-recommends no-such-package-a no-such-package-b")


def test_setup_does_nothing_when_all_is_there(tmp_path):
    r = run_setup(tmp_path, "bash\ncoreutils")
    assert (r.returncode, r.stdout, r.stderr) == (0, "", "")
