# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon and tcpoptctl, judged by what bpftool finds in the kernel."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from conftest import CTL, LOADER, cgroup2

NOBODY = ("setpriv", "--reuid=65534", "--clear-groups")


def bpftool(*args):
    return json.loads(subprocess.run(["bpftool", "-j", *args], check=True, capture_output=True,
                                     text=True).stdout)


def links():
    """All cgroup links of sock_ops programs: (link id, program id, cgroup id)."""
    return sorted((link["id"], link["prog_id"], link["cgroup_id"]) for link in bpftool("link")
                  if link.get("attach_type") in ("cgroup_sock_ops", "sock_ops"))


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def refused(done, *words):
    """Exit status 1, nothing on stdout, one line with cause and cure on stderr."""
    assert done.returncode == 1 and done.stdout == "", done
    assert len(done.stderr.splitlines()) == 1 and "; " in done.stderr, done
    for word in words:
        assert word in done.stderr, done


@pytest.fixture
def attached(loader, cgroup):
    loader.ok("attach", "sample", "--cgroup", cgroup, "--set", "timeout=7", "--set", "label=hey")
    return loader


def test_attach_shows_in_the_kernel_and_in_list(attached, cgroup):
    entry = attached.entry("sample", cgroup)
    assert (entry["link_id"], entry["prog_id"], entry["cgroup_id"]) in links()
    assert entry["cgroup_id"] == cgroup.stat().st_ino
    assert abs(entry["since"] - time.time()) < 120
    assert entry["params"] == {"timeout": 7, "offset": 0, "big": 0, "wide": 0, "tiny": 0,
                               "enabled": True, "color": "GREEN", "label": "hey"}
    assert str(cgroup) in attached.ok("list")


def test_the_program_runs_in_its_cgroup_only(attached, cgroup):
    """Needs the loopback device up; a connection made outside is not counted."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    connect = ("import os, socket, sys\n"
               "if sys.argv[1]: open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()))\n"
               "listener = socket.create_server(('127.0.0.1', 0))\n"
               "socket.create_connection(listener.getsockname()).close()\n")
    subprocess.run([sys.executable, "-c", connect, ""], check=True)
    assert attached.stats("sample", cgroup)["established"] == 0
    subprocess.run([sys.executable, "-c", connect, str(cgroup)], check=True)
    assert attached.stats("sample", cgroup)["established"] == 1


def test_set_changes_what_it_is_told(attached, cgroup):
    attached.ok("set", "sample", "--cgroup", cgroup, "timeout=9", "color=BLUE", "wide=-3")
    params = attached.params("sample", cgroup)
    assert (params["timeout"], params["color"], params["wide"]) == (9, "BLUE", -3)
    assert params["label"] == "hey"


def test_set_counts_generations(attached, cgroup):
    def generation():
        pins = attached.bpffs / f"sample@{cgroup.stat().st_ino}/maps/params"
        value = bpftool("map", "dump", "pinned", str(pins))[0]["formatted"]["value"]
        return value["_generation"]

    before = generation()
    attached.ok("set", "sample", "--cgroup", cgroup, "timeout=9")
    assert generation() == before + 1
    assert attached.ctl("set", "sample", "--cgroup", cgroup, "timeout=0").returncode == 1
    assert generation() == before + 1


def test_set_walks_the_sockets_of_each_namespace_once(attached, cgroup):
    attached.ok("set", "sample", "--cgroup", cgroup, "timeout=9")
    assert attached.stats("sample", cgroup)["walks"] == 1
    # One process in a further namespace, below the cgroup, and two more in ours.
    below = cgroup / "below"
    below.mkdir()
    listen = ("import os, socket, sys, time\n"
              "open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()))\n"
              "s = socket.create_server(('', 0)); print('ready', flush=True); time.sleep(600)\n")
    name = f"walk-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    before = attached.stats("sample", cgroup)
    processes = [subprocess.Popen([*prefix, sys.executable, "-c", listen, str(below)],
                                  stdout=subprocess.PIPE, text=True)
                 for prefix in ([], [], ["nsenter", f"--net=/run/netns/{name}"])]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        attached.ok("set", "sample", "--cgroup", cgroup, "timeout=10")
        stats = attached.stats("sample", cgroup)
        assert stats["walks"] == before["walks"] + 2
        assert stats["walked"] > before["walked"]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        subprocess.run(["ip", "netns", "del", name], check=True)
        eventually(lambda: not (below / "cgroup.procs").read_text())
        below.rmdir()


def test_detach_removes_link_and_pins(attached, cgroup):
    link = attached.entry("sample", cgroup)["link_id"]
    attached.ok("detach", "sample", "--cgroup", cgroup)
    assert link not in [found[0] for found in links()]
    assert attached.list() == [] and list(attached.bpffs.iterdir()) == []


def test_detach_works_while_another_process_holds_the_link(attached, cgroup):
    """A link lives as long as a descriptor of it, unless it is detached."""
    entry = attached.entry("sample", cgroup)
    pin = attached.bpffs / f"sample@{cgroup.stat().st_ino}/link"
    hold = ("import ctypes, struct, sys, time\n"
            "path = ctypes.create_string_buffer(sys.argv[1].encode())\n"
            "attr = ctypes.create_string_buffer(struct.pack('QII', ctypes.addressof(path), 0, 0))\n"
            "fd = ctypes.CDLL(None).syscall(321, 7, attr, 16)\n"  # bpf(BPF_OBJ_GET)
            "print(fd, flush=True); time.sleep(600)\n")
    holder = subprocess.Popen([sys.executable, "-c", hold, str(pin)], stdout=subprocess.PIPE, text=True)
    try:
        assert int(holder.stdout.readline()) >= 0
        attached.ok("detach", "sample", "--cgroup", cgroup)
        alive = [found for found in links() if found[0] == entry["link_id"]]
        assert all(cgroup_id == 0 for _, _, cgroup_id in alive)
        assert attached.list() == []
    finally:
        holder.kill()
        holder.wait()


def test_two_cgroups_have_parameters_of_their_own(attached, cgroup, make_cgroup):
    other = make_cgroup("two")
    attached.ok("attach", "sample", "--cgroup", other)
    attached.ok("set", "sample", "--cgroup", other, "timeout=100")
    assert attached.params("sample", cgroup)["timeout"] == 7
    assert attached.params("sample", other)["timeout"] == 100


def test_a_long_list_comes_in_pages(loader, make_cgroup):
    """A page ends at 32 KiB, which long paths fill soonest."""
    deep = []
    for _ in range(2):
        deep.append(make_cgroup("deep"))
        for _ in range(11):
            deep.append(make_cgroup("x" * 225, below=deep[-1]))
    for path in deep:
        loader.ok("attach", "sample", "--cgroup", path)
    found = json.loads(loader.ok("list", "--json"))
    assert len(json.dumps(found)) > 32768 and found == loader.list()
    assert sorted(e["cgroup"] for e in found) == sorted(map(str, deep))


def test_kill_9_detaches_nothing_and_a_successor_adopts(attached, cgroup):
    before, entry = links(), attached.entry("sample", cgroup)
    assert attached.stop(signal.SIGKILL) == -signal.SIGKILL
    assert links() == before
    attached.start()
    assert links() == before
    assert attached.entry("sample", cgroup) == entry
    attached.ok("set", "sample", "--cgroup", cgroup, "timeout=11")
    assert attached.stats("sample", cgroup)["walks"] == 1  # the iterator was adopted too
    refused(attached.ctl("set", "sample", "--cgroup", cgroup, "timeout=301"), "1..300 s")
    attached.ok("detach", "sample", "--cgroup", cgroup)
    assert entry["link_id"] not in [found[0] for found in links()]


def test_an_orderly_end_detaches_nothing(attached):
    before = links()
    assert attached.stop() == 0
    assert links() == before
    attached.start()


def test_leftovers_of_a_killed_attach_are_removed(loader, cgroup):
    loader.ok("attach", "sample", "--cgroup", cgroup)
    loader.stop(signal.SIGKILL)
    whole = loader.bpffs / f"sample@{cgroup.stat().st_ino}"
    whole.rename(loader.bpffs / "_new-00c0ffee")  # as if killed before the last step
    before = links()
    loader.start()
    eventually(lambda: len(links()) == len(before) - 1)
    assert loader.list() == [] and list(loader.bpffs.iterdir()) == []


def test_what_an_older_daemon_attached_can_be_detached(attached, cgroup):
    """It left no types beside its pins, so nobody knows what is in the maps."""
    (attached.bpffs / f"sample@{cgroup.stat().st_ino}/types").unlink()
    attached.stop()
    attached.start()
    refused(attached.ctl("set", "sample", "--cgroup", cgroup, "timeout=9"),
            "older tcpopt-loader", "attach it again")
    assert attached.params("sample", cgroup) == {}
    attached.ok("detach", "sample", "--cgroup", cgroup)
    assert attached.list() == []


def test_a_detach_cut_short_is_finished(attached, cgroup):
    (attached.bpffs / f"sample@{cgroup.stat().st_ino}/link").unlink()
    assert attached.list() == [] and list(attached.bpffs.iterdir()) == []


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_what_went_with_its_cgroup_is_pruned(attached, cgroup, restart):
    if restart:
        attached.stop(signal.SIGKILL)
    cgroup.rmdir()
    if restart:
        attached.start()
    # Of a cgroup that was removed the kernel lets go a moment later.
    eventually(lambda: attached.list() == [] and list(attached.bpffs.iterdir()) == [])
    assert "went with its cgroup" in attached.messages()
    refused(attached.ctl("detach", "sample", "--cgroup", cgroup), "attached went with it")
    # The same path made anew is another cgroup.
    cgroup.mkdir()
    refused(attached.ctl("detach", "sample", "--cgroup", cgroup), "not attached")
    attached.ok("attach", "sample", "--cgroup", cgroup)


@pytest.mark.parametrize("how", ["kept", "detached"])
def test_a_removed_cgroup_is_shown_for_its_living_sockets(attached, cgroup, how):
    """To them the program is still attached; it goes when the last one does, or when told."""
    leave = ("import os, socket, sys, time\n"
             "open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()))\n"
             "s = socket.create_server(('', 0))\n"
             "open(sys.argv[2] + '/cgroup.procs', 'w').write(str(os.getpid()))\n"
             "print('left', flush=True); time.sleep(600)\n")
    holder = subprocess.Popen([sys.executable, "-c", leave, str(cgroup), str(cgroup2())],
                              stdout=subprocess.PIPE, text=True)
    entry = attached.entry("sample", cgroup)
    try:
        assert holder.stdout.readline() == "left\n"
        cgroup.rmdir()
        shown = attached.list()
        assert [e["link_id"] for e in shown] == [entry["link_id"]] and shown[0]["removed"]
        assert shown[0]["cgroup"] == f"id {entry['cgroup_id']} (removed)"
        assert entry["link_id"] in [found[0] for found in links() if found[2] != 0]
        assert len(list(attached.bpffs.iterdir())) == 1
        if how == "detached":
            attached.ok("detach", "sample", "--cgroup-id", str(entry["cgroup_id"]))
            assert entry["link_id"] not in [found[0] for found in links() if found[2] != 0]
            assert attached.list() == [] and list(attached.bpffs.iterdir()) == []
    finally:
        holder.kill()
        holder.wait()
    # Nobody asks.
    eventually(lambda: list(attached.bpffs.iterdir()) == [])
    assert attached.list() == []


def test_the_pins_of_a_removed_cgroup_go_by_themselves(attached, cgroup):
    cgroup.rmdir()
    eventually(lambda: list(attached.bpffs.iterdir()) == [])


def test_refusals_change_nothing(attached, cgroup, tmp_path):
    v1 = tmp_path / "cg1"
    v1.mkdir()
    subprocess.run(["mount", "-t", "cgroup", "-o", "none,name=tcpopt", "none", v1], check=True)
    file = tmp_path / "file"
    file.touch()
    before, shown = links(), attached.list()
    try:
        for words, args in [
                (["does not exist", "mkdir"], ["attach", "sample", "--cgroup", cgroup / "no"]),
                (["not a directory"], ["attach", "sample", "--cgroup", file]),
                (["not a cgroup"], ["attach", "sample", "--cgroup", tmp_path]),
                (["cgroup v1", str(cgroup2())], ["attach", "sample", "--cgroup", v1]),
                (["attached already", "set"], ["attach", "sample", "--cgroup", cgroup]),
                (["no program 'nope'", "sample"], ["attach", "nope", "--cgroup", cgroup]),
                (["not a program name"], ["attach", "../sample", "--cgroup", cgroup]),
                (["no parameter 'nope'", "timeout"],
                 ["set", "sample", "--cgroup", cgroup, "timeout=3", "nope=1"]),
                (["301", "1..300 s"], ["set", "sample", "--cgroup", cgroup, "timeout=301"]),
                (["not a number"], ["set", "sample", "--cgroup", cgroup, "timeout=soon"]),
                (["RED|GREEN|BLUE"], ["set", "sample", "--cgroup", cgroup, "color=PINK"]),
                (["given twice"],
                 ["set", "sample", "--cgroup", cgroup, "timeout=3", "timeout=4"]),
                (["not attached"], ["set", "sample", "--cgroup", cgroup2(), "timeout=3"]),
                (["not attached"], ["detach", "sample", "--cgroup", cgroup2()]),
                (["refuses function refused", "check"],
                 ["attach", "refused", "--cgroup", cgroup])]:
            refused(attached.ctl(*args), *words)
            assert links() == before and attached.list() == shown
    finally:
        subprocess.run(["umount", v1], check=True)
    assert len(list(attached.bpffs.iterdir())) == 1


def test_settings_are_checked_before_anything_is_attached(loader, cgroup):
    before = links()
    refused(loader.ctl("attach", "sample", "--cgroup", cgroup, "--set", "timeout=0"), "1..300 s")
    refused(loader.ctl("attach", "sample", "--cgroup", cgroup, "--set", "nope=0"), "nope")
    assert links() == before and list(loader.bpffs.iterdir()) == []


def test_a_second_daemon_is_refused(loader, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for arguments in (loader.arguments(),
                      [LOADER, "--run-dir", other, "--bpffs", loader.bpffs]):
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)
        refused(done, "another tcpopt-loader holds", "stop it")
    assert loader.list() == []


def test_only_root_is_served(loader, cgroup):
    loader.run_dir.chmod(0o755)
    for parent in loader.run_dir.parents:
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    for args in (["list"], ["attach", "sample", "--cgroup", cgroup]):
        refused(loader.ctl(*args, prefix=NOBODY), "run as root")
    # The mode of the socket is not the only guard.
    (loader.run_dir / "loader.sock").chmod(0o666)
    refused(loader.ctl("attach", "sample", "--cgroup", cgroup, prefix=NOBODY), "only root")
    assert loader.list() == []


def test_the_daemon_needs_root():
    done = subprocess.run([*NOBODY, LOADER], capture_output=True, text=True, check=False)
    refused(done, "run as root")


def test_a_missing_bpffs_is_named(tmp_path):
    done = subprocess.run([LOADER, "--run-dir", tmp_path, "--bpffs", tmp_path / "pins"],
                          capture_output=True, text=True, timeout=30, check=False)
    refused(done, "no bpffs", "mount -t bpf")


def test_silent_clients_keep_nobody_waiting(loader):
    silent = []
    for _ in range(8):
        silent.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        silent[-1].connect(str(loader.run_dir / "loader.sock"))
    assert loader.list() == []
    for client in silent:
        client.settimeout(30)
        assert client.recv(1) == b""  # dropped in the end
        client.close()


def test_check_asks_the_kernel(ctl):
    found = json.loads(ctl("check", "--json").stdout)
    features = {f["name"]: f for f in found["features"]}
    for name in ("sockops", "cgroup-link", "btf", "tcp-header-options", "sk-storage",
                 "tcp-iter", "iter-setsockopt"):
        assert features[name]["available"], features[name]
    lines = ctl("check").stdout.splitlines()
    assert len(lines) == len(features) + len(found["programs"])
    assert {p["name"] for p in found["programs"] if p["runs"]} >= {"uto", "sample"}


def test_check_tells_privilege_from_absence():
    done = subprocess.run([*NOBODY, CTL, "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "run as root" in done.stderr
    assert "denied" in done.stdout and "brings it" not in done.stdout


def test_programs_needs_no_daemon(ctl):
    done = ctl("programs")
    assert done.returncode == 0 and "sample: a sample" in done.stdout
    assert "1..300 s" in done.stdout


def test_paths_of_other_mount_namespaces_do_not_matter(loader, cgroup):
    """The descriptor counts: here the path leads elsewhere for the daemon."""
    hidden = pathlib.Path("/mnt")
    script = f"mount --bind {cgroup} {hidden} && exec {CTL} --run-dir {loader.run_dir} " \
             f"attach sample --cgroup {hidden}"
    subprocess.run(["unshare", "-m", "sh", "-c", script], check=True)
    assert loader.entry("sample", cgroup)["cgroup_id"] == cgroup.stat().st_ino
