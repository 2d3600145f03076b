# SPDX-License-Identifier: GPL-2.0-or-later
"""tcpoptctl status: what is attached, and who else is there."""
import contextlib
import json
import os
import pathlib
import pty
import select
import subprocess

from conftest import BUILD, CTL
from test_loader import refused


@contextlib.contextmanager
def bystander(*cgroups):
    """A sock_ops program of somebody else on each of them."""
    pin = pathlib.Path(f"/sys/fs/bpf/status-{os.getpid()}")
    subprocess.run(["bpftool", "prog", "load", BUILD / "test-progs/bystander.bpf.o", pin, "type",
                    "sockops"], check=True)
    done = []
    try:
        for path in cgroups:
            subprocess.run(["bpftool", "cgroup", "attach", path, "sock_ops", "pinned", pin,
                            "multi"], check=True)
            done.append(path)
        yield json.loads(subprocess.run(["bpftool", "-j", "prog", "show", "pinned", pin],
                                        check=True, capture_output=True).stdout)["id"]
    finally:
        for path in done:
            subprocess.run(["bpftool", "cgroup", "detach", path, "sock_ops", "pinned", pin],
                           check=True)
        pin.unlink()


def status(loader, *names):
    return json.loads(loader.ok("status", *names, "--json"))


def test_it_is_what_list_says_with_help(loader, cgroup):
    loader.ok("attach", "uto", "--cgroup", cgroup, "advertise=30")
    [entry] = status(loader)
    [listed] = loader.list()
    assert {key: entry[key] for key in listed} == listed
    assert entry["help"]["params"]["advertise"]["unit"] == "s"
    assert set(entry["help"]["stats"]) == set(entry["stats"])
    assert all(entry["help"]["stats"].values())
    assert entry["others"] == []
    text = loader.ok("status")
    assert "advertise" in text and entry["help"]["stats"]["app_set"] in text
    assert all(len(line) <= 100 for line in text.splitlines()), text
    assert "\x1b" not in text


def test_every_counter_of_every_program_is_explained(loader, make_cgroup):
    names = [path.name.removesuffix(".bpf.o") for path in (BUILD / "bpf-progs").glob("*.bpf.o")]
    assert len(names) >= 12
    for name in names:
        loader.ok("attach", name, "--cgroup", make_cgroup(name))
    found = status(loader)
    assert sorted(entry["name"] for entry in found) == sorted(names)
    for entry in found:
        assert entry["stats"]
        assert {key for key, text in entry["help"]["stats"].items() if text} == set(
            entry["stats"]), entry["name"]


def test_one_program(loader, cgroup, make_cgroup):
    refused(loader.ctl("status", "uto"), "uto is not attached", "tcpoptctl list")
    assert loader.ok("status") == "nothing is attached\n"
    loader.ok("attach", "uto", "--cgroup", cgroup)
    loader.ok("attach", "cc", "--cgroup", cgroup)
    loader.ok("attach", "cc", "--cgroup", make_cgroup("other"))
    assert [entry["name"] for entry in status(loader, "uto")] == ["uto"]
    assert [entry["name"] for entry in status(loader, "cc")] == ["cc", "cc"]


def test_programs_of_others_here_and_above(loader, cgroup, make_cgroup):
    below, beside = make_cgroup("below", below=cgroup), make_cgroup("beside", below=cgroup)
    loader.ok("attach", "uto", "--cgroup", below)
    loader.ok("attach", "cc", "--cgroup", cgroup)
    with bystander(below, cgroup, beside) as program:
        # Those that run in it, and none that is ours.
        assert status(loader, "uto")[0]["others"] == [
            {"id": program, "name": "bystander", "cgroup": str(path)} for path in (below, cgroup)]
        assert [other["cgroup"] for other in status(loader, "cc")[0]["others"]] == [str(cgroup)]
        assert "bystander" in loader.ok("status")
    assert status(loader, "uto")[0]["others"] == []


@contextlib.contextmanager
def watching(loader, *options, **named):
    process = subprocess.Popen([CTL, "--run-dir", loader.run_dir, "status", "--watch", *options],
                               **named)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_watch_shows_what_changes(loader, cgroup):
    loader.ok("attach", "sample", "--cgroup", cgroup)
    with watching(loader, "--json", stdout=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())[0]["params"]["timeout"] == 30
        loader.ok("set", "sample", "--cgroup", cgroup, "timeout=9")
        for _ in range(5):
            if json.loads(process.stdout.readline())[0]["params"]["timeout"] == 9:
                break
        else:
            raise AssertionError("the change was not shown")


def test_watch_on_a_terminal_begins_anew_and_has_colors(loader, cgroup):
    loader.ok("attach", "sample", "--cgroup", cgroup)
    ours, its = pty.openpty()
    try:
        with watching(loader, stdout=its):
            shown = b""
            while shown.count(b"\x1b[H\x1b[J") < 2:
                assert select.select([ours], [], [], 30)[0], shown
                shown += os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(its)
    assert b"\x1b[1msample\x1b[0m on " in shown
