# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon says to operators is true, whatever goes on around it."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from test_loader import eventually, links, refused

WAIT = "echo $$ > {}/cgroup.procs && exec {} sh -c 'echo ready; exec sleep 600'"


@contextlib.contextmanager
def strace(pid, *options):
    """The daemon, watched by strace, which has begun."""
    tracer = subprocess.Popen(["strace", "-f", "-q", *options, "-p", str(pid)],
                              stderr=subprocess.DEVNULL)
    status = pathlib.Path(f"/proc/{pid}/status")
    try:
        eventually(lambda: "TracerPid:\t0" not in status.read_text(), 60)
        yield tracer
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()


@contextlib.contextmanager
def processes_in(cgroups, prefix=""):
    """One in each of them, in a network namespace of its own with prefix `unshare -n`."""
    started = [subprocess.Popen(["sh", "-c", WAIT.format(path, prefix)], stdout=subprocess.PIPE,
                                text=True) for path in cgroups]
    try:
        for process in started:
            assert process.stdout.readline() == "ready\n"
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_set_reaches_every_namespace_while_cgroups_come_and_go(loader, cgroup, make_cgroup):
    lasting = [make_cgroup("lasting", below=cgroup) for _ in range(6)]
    loader.ok("attach", "sample", "--cgroup", cgroup)
    end = threading.Event()

    def churn():
        while not end.is_set():
            for n in range(20):
                (cgroup / f"fleeting{n}").mkdir()
            for n in range(20):
                (cgroup / f"fleeting{n}").rmdir()

    busy = threading.Thread(target=churn)
    with processes_in(lasting, "unshare -n"):
        busy.start()
        try:
            told = [loader.ok("set", "sample", "--cgroup", cgroup, f"timeout={n}")
                    for n in range(10, 30)]
        finally:
            end.set()
            busy.join()
    # And that of the daemon.
    assert told == ["told the live connections of 7 network namespaces\n"] * 20


def test_killed_between_a_change_and_telling_of_it(loader, cgroup):
    loader.ok("attach", "sample", "--cgroup", cgroup)
    pid = loader.process.pid
    with strace(pid, "-e", "trace=setns", "-e", "inject=setns:signal=SIGKILL", "-o", "/dev/null"):
        assert loader.ctl("set", "sample", "--cgroup", cgroup, "timeout=9").returncode == 1
        loader.process.wait(timeout=60)
    loader.start()
    assert loader.params("sample", cgroup)["timeout"] == 9
    assert loader.stats("sample", cgroup)["walks"] == 1
    assert "told live connections what a predecessor had not" in loader.messages()
    # Once.
    loader.stop(signal.SIGKILL)
    loader.start()
    assert loader.stats("sample", cgroup)["walks"] == 1


def test_set_says_if_nothing_reaches_live_connections(loader, cgroup):
    loader.ok("attach", "cc", "--cgroup", cgroup)
    assert loader.ok("set", "cc", "--cgroup", cgroup, "allow=reno") == \
        "for new connections; cc has nothing that reaches live ones\n"


def test_full_lists_of_one_hide_no_other(loader, cgroup):
    loader.ok("attach", "sample", "--cgroup", cgroup)
    loader.ok("attach", "manylists", "--cgroup", cgroup)
    for name in ("first", "second", "third"):
        loader.ok("set", "manylists", "--cgroup", cgroup, f"{name}=" + ",".join(
            f"2001:db8:1111:2222:3333:4444:5555:{n:x}/128" for n in range(1024)))
    assert loader.entry("sample", cgroup)["params"]["timeout"] == 30
    entry = loader.entry("manylists", cgroup)
    assert 1024 in entry["shortened"].values()
    for name, count in entry["shortened"].items():
        assert count == 1024 and len(entry["params"][name]) == 16
    assert ",... (1024)" in loader.ok("list")


def answer(loader, request, fds=()):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as daemon:
        daemon.connect(str(loader.run_dir / "loader.sock"))
        socket.send_fds(daemon, [json.dumps({"protocol": 1, **request}).encode()], fds)
        return json.loads(daemon.recv(1 << 20))


def test_a_file_is_no_cgroup(loader, cgroup):
    file = os.open(cgroup / "cgroup.procs", os.O_RDONLY)
    try:
        said = answer(loader, {"command": "attach", "name": "sample",
                               "cgroup": str(cgroup / "cgroup.procs")}, [file])["error"]
    finally:
        os.close(file)
    assert "it is a file of a cgroup" in said["cause"] and str(cgroup) in said["cure"]


def test_a_request_opens_what_it_is_about_and_no_more(loader, make_cgroup, tmp_path):
    cgroups = [make_cgroup(f"many{n}") for n in range(20)]
    for path in cgroups:
        loader.tell("attach", "sample", path)
    log = tmp_path / "calls"
    with strace(loader.process.pid, "-e", "trace=bpf", "-o", str(log)):
        loader.tell("detach", "sample", cgroups[0])
        detached = len(log.read_text().splitlines())
        loader.list()
    calls = len(log.read_text().splitlines()) - detached
    assert detached < 15
    assert calls < 19 * 25


def test_a_program_that_would_be_switched_off(loader, cgroup, make_cgroup, tmp_path):
    """The parent's is attached so that any other one in a child takes its place."""
    from conftest import BUILD
    below = make_cgroup("below", below=cgroup)
    pin = pathlib.Path(f"/sys/fs/bpf/switched-off-{os.getpid()}")
    subprocess.run(["bpftool", "prog", "load", BUILD / "test-progs/bystander.bpf.o", pin, "type",
                    "sockops"], check=True)
    attach = ["bpftool", "cgroup", "attach", cgroup, "sock_ops", "pinned", pin, "override"]
    detach = ["bpftool", "cgroup", "detach", cgroup, "sock_ops", "pinned", pin]
    subprocess.run(attach, check=True)
    try:
        before = links()
        refused(loader.ctl("attach", "sample", "--cgroup", below),
                "program 'bystander'", str(cgroup), "would no longer run", "--force")
        assert links() == before and loader.list() == []
        done = loader.ctl("attach", "sample", "--cgroup", below, "--force")
        assert done.returncode == 0 and "does not run in this cgroup any more" in done.stderr
        loader.ok("detach", "sample", "--cgroup", below)
    finally:
        subprocess.run(detach, check=True)
        pin.unlink()
    loader.ok("attach", "sample", "--cgroup", below)


def test_a_cgroup_cannot_forge_a_line_of_the_log(loader, make_cgroup):
    """cgroupfs itself takes no newline, but all else that moves a cursor."""
    path = make_cgroup("x\x1b[2J\rwarning: all is lost")
    loader.ok("attach", "sample", "--cgroup", path)
    assert "\x1b" not in loader.messages() and "\r" not in loader.messages()
    assert "x\\x1b[2J\\x0dwarning: all is lost" in loader.messages()
    assert "x\\x1b[2J\\x0dwarning: all is lost" in loader.ok("list")


def test_a_function_that_no_kernel_has_is_named(loader, cgroup):
    refused(loader.ctl("attach", "nofunction", "--cgroup", cgroup),
            "this kernel has no function bpf_tcpopt_no_such_function", "__weak")


@pytest.mark.parametrize("where", ["same", "above", "below"])
def test_a_path_manager_behind_another_says_so(loader, cgroup, make_cgroup, where):
    below = make_cgroup("below", below=cgroup)
    loader.ok("attach", "ndiffports", "--cgroup", below if where == "below" else cgroup)
    second = below if where == "above" else cgroup
    done = loader.ctl("attach", "fullmesh", "--cgroup", second)
    assert done.returncode == 0
    first, then = ("fullmesh", "ndiffports") if where == "above" else ("ndiffports", "fullmesh")
    assert f"{first} is a path manager, too, and claims sessions of" in done.stderr
    assert f"before {then}" in done.stderr
    assert loader.entry("fullmesh", second).get("behind") == \
        ("ndiffports" if where == "same" else None)
    assert ("fullmesh (behind ndiffports)" in loader.ok("list")) == (where == "same")


def test_identifiers_are_listed_as_programs_shows_them(loader, cgroup):
    loader.ok("attach", "cc", "--cgroup", cgroup)
    assert "exid=0x7463" in loader.ok("list")
    assert "default 0x7463" in loader.ok("programs")
