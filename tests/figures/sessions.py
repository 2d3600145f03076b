# SPDX-License-Identifier: GPL-2.0-or-later
"""The experiment on the inactivity timeout: thousands of sessions that lose their subflows."""
import time

from daemon import eventually
from lab import CLIENT, PORT, SERVER

EVERY = 3  # s
FOR_EVER = 86400  # s


def memory():
    """Bytes of the kernel's own, as /proc/meminfo has it."""
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    return 1024 * sum(int(fields[name].split()[0]) for name in ("Slab", "KernelStack"))


def count(lab):
    """MPTCP sessions that the server has, with subflows or without."""
    text = lab.on(SERVER, "ss", "-MnH", "state", "all")
    return sum(1 for line in text.splitlines() if f":{PORT}" in line and "LISTEN" not in line)


def open_some(lab, listener, number):
    client, server = lab.ends[CLIENT], lab.ends[SERVER]
    server.start("accept_all", listener, number)
    opened = client.connect_all(lab.network.first_address(SERVER), PORT, number, mptcp=True)
    taken = server.wait()
    server.start("exchange_byte", taken, False)
    client.exchange_byte(opened, True)
    server.wait()


def cut_off(lab):
    """As a middlebox would: all subflows of both ends are reset."""
    for name in (CLIENT, SERVER):
        lab.on(name, "ss", "-KtnH", "state", "established",
               f"( sport = :{PORT} or dport = :{PORT} )")


def idle_timeout(lab, batches=20, batch=200, timeout=20):
    """Figure 6.14: sessions lose their subflows; the server keeps them, or for a time only."""
    lab.unshape()
    for name in (CLIENT, SERVER):
        lab.on(name, "sysctl", "-qw", f"net.mptcp.close_timeout={FOR_EVER}")
    yield ["timeout", "seconds", "opened", "sessions", "timed_out", "kernel_bytes"]
    for asked in (0, timeout):
        lab.attach(SERVER, "idle", min=1)
        lab.attach(CLIENT, "idle", timeout=asked)
        listener = lab.ends[SERVER].listen("0.0.0.0", PORT, mptcp=True)
        base, start, gone = memory(), time.monotonic(), 0
        for number in range(1, batches + 1):
            open_some(lab, listener, batch)
            if asked:
                lab.heard("idle", batch * number)
            cut_off(lab)
            time.sleep(max(0, start + EVERY * number - time.monotonic()))
            # Applications close what has ended, here as everywhere.
            gone += [end.close_ended() for end in lab.ends.values()][1]
            yield [asked, round(time.monotonic() - start, 2), batch * number, count(lab), gone,
                   memory() - base]
            if number % 5 == 0:
                print(f"    {f'timeout {asked} s' if asked else 'no timeout'}: "
                      f"{batch * number} of {batch * batches} sessions", flush=True)
        lab.reset()
        eventually(lambda: count(lab) == 0, "all closed")
