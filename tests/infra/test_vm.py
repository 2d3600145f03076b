# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/vm, seen from the host. Each run boots a guest: few runs, many checks."""

import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from vm_splat import find_splat  # noqa: E402

VM = str(TOP / "scripts" / "vm")
KERNEL = os.environ.get("TCPOPT_TEST_KERNEL", "patched")


def vm(*command, options=(), **kwargs):
    return subprocess.run([VM, "--kernel", KERNEL, "--timeout", "120", *options, "--", *command],
                          capture_output=True, timeout=300, **kwargs)


def test_output_and_status_come_through_apart():
    r = vm("sh", "-c", "printf out; printf err >&2; exit 7")
    assert (r.stdout, r.stderr, r.returncode) == (b"out", b"err", 7)


def test_death_by_a_signal_has_a_shells_status():
    assert vm("sh", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM


def test_a_command_that_is_not_there():
    r = vm("no-such-program")
    assert r.returncode == 127 and b"no-such-program" in r.stderr


def test_arguments_environment_and_directory_are_the_callers(tmp_path):
    odd = ["a b", "'", '"', "two\nlines", "", "$HOME `id` \\", "--timeout", "--", "ü", "-"]
    code = "import os, sys; print([sys.argv[1:], os.environ['ODD'], os.getcwd(), os.environ['HOME']])"
    place = tmp_path / "a place"
    place.mkdir()
    r = vm("/usr/bin/python3", "-c", code, *odd, options=["--env", "ODD=x\ny=z"], cwd=place)
    assert r.stdout.decode() == f"{[odd, chr(10).join(['x', 'y=z']), str(place), os.environ['HOME']]}\n"


def test_much_output_arrives_byte_for_byte():
    megabytes = 100
    code = f"""
import hashlib, os, sys
block, h = os.urandom(1 << 20), hashlib.sha256()
for n in range({megabytes}):
    part = n.to_bytes(4, 'big') + block[4:]
    h.update(part)
    sys.stdout.buffer.write(part)
sys.stdout.flush()
print(h.hexdigest(), file=sys.stderr)
"""
    r = vm("/usr/bin/python3", "-c", code)
    assert len(r.stdout) == megabytes << 20
    assert hashlib.sha256(r.stdout).hexdigest() == r.stderr.decode().strip()


def test_output_comes_while_the_command_runs():
    with subprocess.Popen([VM, "--kernel", KERNEL, "--", "sh", "-c", "echo first; sleep 600"],
                          stdout=subprocess.PIPE) as p:
        assert p.stdout.readline() == b"first\n"
        p.terminate()
        assert p.wait(20) == 128 + signal.SIGTERM


def test_the_guest_has_what_programs_expect():
    script = """
set -e
grep -q ' / overlay ' /proc/mounts
test "$(stat -f -c %T /sys/fs/bpf)" = bpf_fs
test "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs
test "$(stat -f -c %T /sys/kernel/debug)" = debugfs
test "$(stat -f -c %T /run)" = tmpfs
test "$(stat -f -c %T /dev/shm)" = tmpfs
test "$(id -u)" = 0
bash -c 'read -r x < <(echo fd); test $x = fd'   # /dev/fd
echo again > /dev/stdout                         # opens it a second time
ping=$(ip -o link show lo); case $ping in *UP*) ;; *) exit 1 ;; esac
ip netns add t && ip netns exec t ip link set lo up && ip netns del t
touch /etc/written-by-a-guest
test "$(ps -o sid= $$ | tr -d ' ')" = $$         # a session of its own
cat                                              # standard input is empty
"""
    r = vm("bash", "-c", script)
    assert (r.returncode, r.stdout) == (0, b"again\n"), r.stderr.decode()
    assert not os.path.exists("/etc/written-by-a-guest")


def test_an_out_directory_is_written_on_the_host(tmp_path):
    (tmp_path / "from-host").write_text("seen")
    r = vm("sh", "-c", 'cat "$1/from-host" && echo result >"$1/from-guest"', "sh", str(tmp_path),
           options=["--out", str(tmp_path)])
    assert (r.returncode, r.stdout) == (0, b"seen"), r.stderr.decode()
    assert (tmp_path / "from-guest").read_text() == "result\n"


def test_what_the_command_leaves_behind_does_not_hold_the_run_up():
    start = time.monotonic()
    r = vm("bash", "-c", "sleep 1000 & setsid sleep 1000 & echo done")
    assert (r.returncode, r.stdout) == (0, b"done\n")
    assert time.monotonic() - start < 60


def test_a_hang_is_ended_with_the_last_lines():
    r = vm("sh", "-c", "echo last words; sleep 1000", options=["--timeout", "25"])
    assert r.returncode == 124
    assert r.stdout == b"last words\n"
    assert b"last words" in r.stderr and b"25 s" in r.stderr
    assert re.search(rb"console: /\S+", r.stderr)


def test_a_kernel_crash_fails_the_run_and_shows_itself():
    r = vm("sh", "-c", "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 100")
    assert r.returncode == 125
    assert b"sysrq_handle_crash" in r.stderr or b"sysrq triggered crash" in r.stderr


def test_a_report_that_the_kernel_survives_fails_the_run_too():
    r = vm("sh", "-c", "echo '<4>WARNING: CPU: 0 PID: 1 at net/x.c:1 f+0x1/0x2' >/dev/kmsg; exit 3")
    assert r.returncode == 125
    assert b"net/x.c:1" in r.stderr


def test_a_taint_fails_the_run_even_when_the_console_kept_quiet():
    r = vm("sh", "-c", "echo 512 >/proc/sys/kernel/tainted")
    assert r.returncode == 125 and b"tainted" in r.stderr


def test_deterministic_repeats():
    # A busy loop's instructions are its nanoseconds. The least of five: the
    # host's answers to 9p reads come when they come, and interrupt some.
    code = """
import time
clock = lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC)
def loop():
    start, total = clock(), 0
    for i in range(200000):
        total += i
    return clock() - start
print(min(loop() for _ in range(5)))
"""
    runs = [int(vm("/usr/bin/python3", "-c", code, options=["--deterministic"]).stdout) for _ in "ab"]
    assert abs(runs[0] - runs[1]) < 0.01 * runs[0]


@pytest.mark.parametrize("arguments, said", [
    (["--kernel", "nonsense", "--", "true"], b"nonsense"),
    (["--kernel", "/no/such/kernel", "--", "true"], b"/no/such/kernel"),
    (["--out", "/no/such/place", "--", "true"], b"/no/such/place"),
])
def test_errors_are_one_line(arguments, said):
    r = subprocess.run([VM, *arguments], capture_output=True)
    assert r.returncode == 126
    assert said in r.stderr and r.stderr.count(b"\n") == 1


def test_a_kernel_that_is_not_built(tmp_path):
    r = subprocess.run([VM, "--", "true"], capture_output=True,
                       env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)})
    assert r.returncode == 126
    assert b"scripts/kernel build patched" in r.stderr and r.stderr.count(b"\n") == 1


@pytest.mark.parametrize("line", [
    "WARNING: CPU: 1 PID: 77 at net/ipv4/tcp.c:100 tcp_x+0x1/0x2",
    "WARNING: possible circular locking dependency detected",
    "WARNING: suspicious RCU usage",
    "BUG: KASAN: slab-use-after-free in tcp_x+0x1/0x2",
    "BUG: kernel NULL pointer dereference, address: 0000000000000000",
    "BUG: sleeping function called from invalid context at mm/x.c:1",
    "BUG: unable to handle page fault for address: ffffc90000000000",
    "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [x:1]",
    "UBSAN: array-index-out-of-bounds in net/x.c:1:2",
    "Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1]",
    "INFO: task kworker/0:1:7 blocked for more than 60 seconds.",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "kernel BUG at net/core/skbuff.c:100!",
    "Kernel panic - not syncing: Fatal exception",
    "refcount_t: underflow; use-after-free.",
    "list_add corruption. prev->next should be next",
    "unregister_netdevice: waiting for veth0 to become free. Usage count = 2",
    "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
])
def test_reports_are_found(line):
    log = f"[    0.1] boot\n[   12.345678] {line}\n[   12.4] more"
    assert find_splat(log)[0].endswith(line)
    with_caller = f"[   12.345678][  T123] {line}"
    assert find_splat(with_caller) == [with_caller]


def test_a_leak_listing_is_found():
    assert find_splat("unreferenced object 0xffff888004c2d000 (size 192):\n  comm \"x\"")


@pytest.mark.parametrize("line", [
    "Linux version 6.12.117 (tcpopt@tcpopt)",
    "mtrr: your CPUs had inconsistent fixed MTRR settings",
    "x86/mm: Checked W+X mappings: passed, no W+X pages found.",
    "rcu: \tRCU debug extended QS entry/exit.",
    "kmemleak: Kernel memory leak detector initialized (mem pool available: 39000)",
    "Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar",
    "sysrq: Power Off",
])
def test_what_a_healthy_kernel_says_is_no_report(line):
    assert find_splat(f"[    1.234567] {line}\n") is None


def test_what_a_program_prints_is_no_report():
    assert find_splat("WARNING: this is my program's own\n") is None
