# SPDX-License-Identifier: GPL-2.0-or-later
"""One end of an experiment's traffic: tests/vm/peer.py, and streams that are measured.

Run as `traffic.py NETNS`. Both ends have one clock, the guest's.
"""
import errno
import pathlib
import resource
import select
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm"))
import peer
from flows import Flows
from web import Web

FILES = 1 << 16  # sockets of one end


class Traffic(Flows, Web, peer.Sockets):
    def exchange_byte(self, sids, first):
        """A byte each; the end that is `first` sends before it reads."""
        for sid in sids:
            sock = self.table[sid]
            sock.settimeout(60)
            if first:
                sock.send(b"x")
            sock.recv(1)
            if not first:
                sock.send(b"x")

    def close_ended(self):
        """Close the sockets that have an error; the number of those that timed out."""
        poll, names = select.poll(), {}
        for sid, sock in self.table.items():
            names[sock.fileno()] = sid
            poll.register(sock, 0)
        timed_out = 0
        for fd, _ in poll.poll(0):
            sock = self.table.pop(names[fd])
            timed_out += sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
            sock.close()
        return timed_out


if __name__ == "__main__":
    peer.Sockets = Traffic
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    peer.main()
