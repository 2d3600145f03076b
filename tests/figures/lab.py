# SPDX-License-Identifier: GPL-2.0-or-later
"""What an experiment runs on: a network, the daemon, and the ends of the traffic."""
import subprocess
import sys

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

    def unshape(self):
        for path in range(len(self.network.links)):
            self.network.shape(path, rate="", rtt=0, loss=0)

    @staticmethod
    def join(opens, outs, accepts, inns):
        """A byte each way: the end that connected may open further subflows once it has heard
        of the session."""
        accepts.start("exchange_byte", inns, False)
        opens.exchange_byte(outs, True)
        accepts.wait()

    def established(self, name):
        """Connections, or subflows, that this host has opened."""
        return len(self.on(name, "ss", "-tnH", "state", "established", "dport", "=",
                           f":{PORT}").splitlines())

    def cut(self, number):
        """Reset what goes over a link: its second host does, its first gets an RST.

        As from a middlebox; what a host resets itself a path manager does not replace.
        """
        first, other = self.network.links[number]["between"]
        self.on(other, "ss", "-KtnH", "state", "established", "dst",
                self.network.address(number, first))

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

