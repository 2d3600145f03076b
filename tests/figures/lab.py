# SPDX-License-Identifier: GPL-2.0-or-later
"""What an experiment runs on: a network, the daemon, and the ends of the traffic."""
import subprocess
import sys
import time

from daemon import CGROUP, HERE, eventually
import net
from net import CLIENT, SERVER
from network import Network

PORT = 7300
# Figure 6.10 of the thesis: two paths between client and server.
TWO_PATHS = [{"between": [CLIENT, SERVER]}] * 2


class End(net.Peer):
    """A process of traffic.py on a host, in that host's cgroup."""

    def __init__(self, name):
        self.pending = False
        self.process = subprocess.Popen([sys.executable, HERE / "traffic.py", name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.join(str(CGROUP / name))


class Lab:
    def __init__(self, daemon, links):
        self.daemon, self.network = daemon, Network(links)
        self.ends = {}
        for name in self.network.names:
            (CGROUP / name).mkdir(exist_ok=True)
            self.ends[name] = End(name)
        # What is done for the first time has the host read.
        self.unshape()
        for end in self.ends.values():
            end.netns_cookie()
        self.on = self.network.on
        self.attach, self.set, self.stats = daemon.attach, daemon.set, daemon.stats

    def heard(self, program, count=1):
        """Wait until the server has had so many requests."""
        eventually(lambda: self.stats(SERVER, program)["received"] >= count,
                   f"{program}: {count} requests")

    def shape(self, path, rate, delay):
        """Both directions; `delay` in ms, one way. A queue for twice the longest one."""
        self.network.shape(path, rate=rate, rtt=2 * delay, loss=0, queue=300)

    def unshape(self):
        for path in range(len(self.network.links)):
            self.network.shape(path, rate="", rtt=0, loss=0)

    def connect(self, subflows):
        """A session to the first address of the server: ids of its two sockets."""
        client, server = self.ends[CLIENT], self.ends[SERVER]
        listener = server.listen("0.0.0.0", PORT, mptcp=True)
        server.start("accept", listener)
        out = client.connect(self.network.first_address(SERVER), PORT, mptcp=True)
        inn = server.wait()
        # The client may open further subflows once it has heard of the session.
        server.start("exchange_byte", [inn], False)
        client.exchange_byte([out], True)
        server.wait()
        eventually(lambda: self.established() == subflows, f"{subflows} subflows")
        return out, inn

    def established(self):
        """Subflows of the client."""
        return len(self.on(CLIENT, "ss", "-tnH", "state", "established", "dport", "=",
                           f":{PORT}").splitlines())

    def reset(self):
        self.daemon.detach_all()
        for name, end in self.ends.items():
            end.reset()
            end.join(str(CGROUP / name))

    def remove(self):
        self.daemon.detach_all()
        for end in self.ends.values():
            end.stop()
        self.network.remove()


def at(moments, seconds, start, what=""):
    """Do each of {seconds after start: function} in time, and say how far it is."""
    for when in sorted({*moments, *range(10, seconds + 1, 10)}):
        time.sleep(max(0, start + when - time.monotonic()))
        if when in moments:
            moments[when]()
            late = time.monotonic() - start - when
            if late > 0.5:
                raise RuntimeError(f"what was to happen after {when} s came {late:.1f} s late")
        if when and when % 10 == 0:
            print(f"    {what}{when} of {seconds} s", flush=True)
