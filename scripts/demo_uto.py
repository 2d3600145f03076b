# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo of the User Timeout Option: a download and a cut link."""
import ctypes
import os
import re
import socket
import time

from demo_common import CTL, check, inside, make_cgroup, start_nginx
from net import ADDRESS, CLIENT, SERVER, eventually, run

URL = f"http://{ADDRESS[4][SERVER]}/file"
TIMEOUT = 3
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD, TCP_USER_TIMEOUT = 434, 438, 18


def server_sockets():
    """Client port -> (state, pid, fd, timer) of the web server's connections."""
    out = run("ip", "netns", "exec", SERVER, "ss", "-Htanpo", "sport", "=", ":80")
    found = {}
    for line in out.splitlines():
        state, _, _, _, peer, rest = (line.split(None, 5) + [""])[:6]
        owner = re.search(r"pid=(\d+),fd=(\d+)", rest)
        timer = re.search(r"timer:\(([^)]*)\)", rest)
        if state != "LISTEN":
            found[int(peer.rsplit(":", 1)[1])] = (
                state, owner and tuple(map(int, owner.groups())), timer and timer.group(1))
    return found


def user_timeout(owner):
    """TCP_USER_TIMEOUT, ms, of a socket of another process."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(SYS_PIDFD_OPEN, owner[0], 0)
    fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, owner[1], 0)
    os.close(pidfd)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    with socket.socket(fileno=fd) as sock:
        return sock.getsockopt(socket.SOL_TCP, TCP_USER_TIMEOUT)


def show(milliseconds):
    return f"{milliseconds / 1000:g} s" if milliseconds else "none set (kernel gives up after ~15 min)"


def download(cgroup):
    """Start curl in a cgroup; return its port once the transfer is under way."""
    before = set(server_sockets())
    inside(CLIENT, cgroup, "curl", "-s", "-o", "/dev/null", URL)
    port = eventually(lambda: set(server_sockets()) - before, "a connection").pop()
    eventually(lambda: server_sockets()[port][1], "a connection that nginx accepted")
    return port


def demo(hosts, directory):
    """True if all went as it should."""
    server, client, plain = (make_cgroup(name) for name in ("server", "client", "plain"))
    with open(directory / "file", "wb") as file:
        file.truncate(1 << 30)
    print("Programs attached (tcpoptctl attach uto --cgroup ...):")
    run(CTL, "attach", "uto", "--cgroup", str(server), "--set", "l_limit=1")
    run(CTL, "attach", "uto", "--cgroup", str(client))
    nginx = start_nginx(directory, server, 80, "limit_rate 1m; send_timeout 1h;")
    capture = hosts.capture()
    port, other = download(client), download(plain)
    sockets = server_sockets()
    before = user_timeout(sockets[port][1])

    run(CTL, "set", "uto", "--cgroup", str(client), f"advertise={TIMEOUT}")
    after = eventually(lambda: user_timeout(server_sockets()[port][1]), "the option to arrive")
    print("  " + run(CTL, "list").strip().replace("\n", "\n  "))
    without = user_timeout(server_sockets()[other][1])

    hosts.link("down")
    cut = time.monotonic()
    eventually(lambda: port not in server_sockets(), "the connection's end", timeout=60)
    took = time.monotonic() - cut
    left = server_sockets().get(other)
    hosts.link("up")
    nginx.terminate()

    segment = next(s for s in capture.segments() if s.source == CLIENT and s.timeout != "")
    print("\nOn the wire, as tshark decodes it:")
    print(f"  {ADDRESS[4][CLIENT]} -> {ADDRESS[4][SERVER]}  option kind 28 (User Timeout): "
          f"{segment.timeout} {'minutes' if segment.minutes in ('1', 'True') else 'seconds'}"
          f"  [{segment.options.hex()}]")
    print("\nUser timeout of the server's socket:")
    print(f"  before the option: {show(before)}\n  after the option:  {show(after)}")
    print("\nLink cut in mid-download:")
    results = [
        check(before == 0 and after == TIMEOUT * 1000, f"server took over {TIMEOUT} s"),
        check(int(segment.timeout) == TIMEOUT, "option on the wire"),
        check(TIMEOUT - 0.5 < took < TIMEOUT + 3,
              f"the server's socket ended {took:.1f} s after the cut"),
        check(left is not None and without == 0,
              "the one of the cgroup without the program is still waiting: "
              f"{left[0]}, timer {left[2]}" if left else "the other socket is gone too"),
    ]
    return all(results)
