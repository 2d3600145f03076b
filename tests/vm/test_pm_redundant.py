# SPDX-License-Identifier: GPL-2.0-or-later
"""The redundant packet scheduler: each subflow is given all data."""
import re
import socket

import pytest

import probe as pm
from mptcp import counter
from net import CLIENT, SERVER, eventually
from paths import SLOW, on
from two import MB, Two, uneven


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_redundant_sends_all_on_both(mptcp, end):
    two = Two(mptcp, end)
    two.choose("redundant")
    got, duplicates = two.transfer(2 * MB)
    assert all(part > 0.9 * 2 * MB for part in got), got
    assert duplicates > 100
    two.session.exchange()
    two.close()


def test_redundant_for_who_never_waits(mptcp4):
    """A send buffer grows that has less room than what is on its way, and the session."""
    two = uneven(mptcp4, shape=None)
    for path in (0, 1):
        mptcp4.paths.shape(path, "40mbit", "75ms")
    two.choose("redundant")
    two.transfer(3 * MB // 2)  # congestion windows grow first
    got, _ = two.transfer(2 * MB, piece=16_000, pause=0.008)
    assert got[1] > 0.8 * 2 * MB, got
    two.close()


def test_redundant_with_checksums(mptcp4):
    for name in (CLIENT, SERVER):
        mptcp4.hosts.sysctl(name, "net.mptcp.checksum_enabled", 1)
    bad = counter(SERVER, "DataCsumErr")
    two = Two(mptcp4, more=("loss", "1%"))
    two.choose("redundant")
    got, duplicates = two.transfer(2 * MB)
    assert min(got) > 0.5 * MB and duplicates > 50, got
    assert counter(SERVER, "DataCsumErr") == bad
    two.close()


def test_redundant_for_who_reads_late(mptcp4):
    """Data of which a part came on the other path is charged to the session as the rest is."""
    mptcp4.hosts.sysctl(SERVER, "net.ipv4.tcp_rmem", "4096 1000000 1000000")
    two = Two(mptcp4)
    two.before = two.received()
    two.sender.send(two.out, 100_000)
    eventually(lambda: sum(two.progress()) >= 100_000, "data")
    # From now on what comes stays with its subflow.
    two.receiver.setopt(two.inn, socket.SOL_SOCKET, socket.SO_RCVBUF, 40_000)
    mptcp4.paths.shape(0, "64kbit", "5ms")
    two.choose("redundant")
    two.before = two.received()
    two.sender.send(two.out, 30_000)
    eventually(lambda: all(n >= m for n, m in zip(two.progress(), (1, 30_000))), "copies")
    two.receiver.recv(two.inn, 130_000)
    text = on(SERVER, "ss", "-MnmH", f"( sport = :{two.session.port} )")
    kept = [int(part) for part in re.findall(r",f(\d+),", text)]
    assert len(kept) == 1 and kept[0] < 2 ** 31, text
    two.close()


@pytest.mark.parametrize("cut", [0, 1])
def test_redundant_path_cut_in_the_middle(mptcp4, cut):
    """The other one does not even notice."""
    two = Two(mptcp4, shape=SLOW)
    two.choose("redundant")
    two.prepare_cut()
    two.begin(4 * MB)
    two.half(0.2)
    two.cut(cut)
    then = two.progress()
    got, _ = two.finish()
    assert MB / 2 < got[cut] < 3.6 * MB and got[cut] == then[cut], (then, got)
    assert got[1 - cut] > 0.9 * 4 * MB, (then, got)
    two.close()


def test_redundant_with_a_slow_and_lossy_path(mptcp4):
    """It sends less, and the fast one all."""
    two = Two(mptcp4)
    mptcp4.paths.shape(1, "1mbit", "40ms", "loss", "5%")
    two.choose("redundant")
    got, _ = two.transfer(4 * MB)
    assert got[0] > 0.95 * 4 * MB, got
    assert 0 < got[1] < 2 * MB, got
    two.close()


def test_redundant_newcomer_takes_part(mptcp4):
    two = Two(mptcp4, shape=SLOW)
    assert two.client.now(pm.CLOSE, a=2) == 0
    two.session.wait_subflows(SERVER, 1)
    two.choose("redundant")
    two.begin(6 * MB)
    two.half(0.1)
    two.before[1] = 0
    two.join()
    got, duplicates = two.finish()
    assert got[0] > 0.9 * 6 * MB and got[1] > MB / 4 and duplicates > 30, got
    two.close()
