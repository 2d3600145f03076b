# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture of what both paths carry, and what mptcpstat and tshark make of it."""
import csv
import json
import os
import re
import subprocess
import tempfile
import time

from conftest import BUILD
from net import ADDRESS, CLIENT, SERVER, eventually, wait_for_capture

MPTCPSTAT = os.environ.get("MPTCPSTAT") or BUILD / "userspace/mptcpstat"
MARK_PORT = 9
FIELDS = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.len",
          "tcp.seq", "tcp.stream", "mptcp.stream", "mptcp.expected_token",
          "tcp.options.mptcp.recvtok", "tcp.options.mptcp.rawdataseqno",
          "tcp.options.mptcp.subflowseqno", "tcp.options.mptcp.datalvllen",
          "tcp.options.mptcp.datafin.flag"]


class Recording:
    """tcpdump on all interfaces of the server, until finish()."""

    # A place in the ring is as large as the longest packet: what fits a segment of an
    # offload, so that there are many of them.
    def __init__(self, hosts, snaplen=70_000):
        self.hosts = hosts
        self.path = tempfile.mktemp(suffix=".pcap")
        self.tcpdump = subprocess.Popen(
            ["ip", "netns", "exec", SERVER, "tcpdump", "-U", "--immediate-mode", "-Z", "root",
             "-B", "65536", "-s", str(snaplen), "-i", "any", "-w", self.path,
             f"tcp or udp port {MARK_PORT}"], stderr=subprocess.PIPE, text=True)
        wait_for_capture(self.tcpdump)

    def finish(self):
        """All that was sent up to now is in the file."""
        marker = b"recording-ends-%d" % time.monotonic_ns()

        def seen():
            self.hosts.peers[CLIENT].datagram(ADDRESS[4][SERVER], MARK_PORT, marker.hex())
            with open(self.path, "rb") as file:
                return marker in file.read()
        eventually(seen, "the marker in the capture", 60)
        self.tcpdump.terminate()
        _, said = self.tcpdump.communicate(timeout=60)
        assert re.search(r"^0 packets dropped by kernel", said, re.MULTILINE), said

    def mptcpstat(self, *options):
        return subprocess.run([MPTCPSTAT, *options, self.path], capture_output=True, text=True,
                              check=True, timeout=120).stdout

    def sessions(self):
        """(sessions, the rest) as `mptcpstat --json` has them."""
        seen = json.loads(self.mptcpstat("--json"))
        return seen.pop("sessions"), seen

    def rows(self, option):
        return list(csv.DictReader(self.mptcpstat(option).splitlines()))

    def tshark(self):
        """A dict of FIELDS for each TCP segment."""
        command = ["tshark", "-r", self.path, "-Y", "tcp", "-T", "fields", "-E", "separator=|",
                   "-E", "occurrence=a", "-E", "aggregator=;"]
        for field in FIELDS:
            command += ["-e", field]
        text = subprocess.run(command, capture_output=True, text=True, check=True,
                              timeout=300).stdout
        return [dict(zip(FIELDS, line.split("|"))) for line in text.splitlines()]

    def end(self):
        self.tcpdump.kill()
        self.tcpdump.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)
