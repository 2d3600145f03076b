# SPDX-License-Identifier: GPL-2.0-or-later
"""The path manager delay: further subflows only for sessions that last."""
import time

import pytest

from mptcp import counter
from net import CLIENT, SERVER, eventually
from paths import address


def stats(mptcp):
    return mptcp.stats(CLIENT, "delay")


def test_after_bytes(mptcp):
    mptcp.attach(CLIENT, "delay", subflows=2, bytes=50_000, after=0)
    session = mptcp.connect()
    session.download(40_000)
    assert len(session.subflows(CLIENT)) == 1
    session.download(20_000)
    session.wait_subflows(CLIENT, 3)
    assert (stats(mptcp)["due_bytes"], stats(mptcp)["due_time"]) == (1, 0)
    session.exchange()
    session.close()


def test_short_sessions_never_open_any(mptcp4):
    before = counter(CLIENT, "MPJoinSynTx")
    mptcp4.attach(CLIENT, "delay", subflows=2, bytes=50_000, after=60_000)
    for _ in range(5):
        session = mptcp4.connect()
        session.download(10_000)
        session.close()
    assert counter(CLIENT, "MPJoinSynTx") == before
    assert stats(mptcp4)["opened"] == 0 and stats(mptcp4)["sessions"] == 5


def test_after_time(mptcp):
    mptcp.attach(CLIENT, "delay", subflows=1, bytes=0, after=3000)
    session = mptcp.connect()
    start = time.monotonic()
    assert len(session.subflows(CLIENT)) == 1
    session.wait_subflows(CLIENT, 2)
    assert time.monotonic() - start > 1
    assert (stats(mptcp)["due_bytes"], stats(mptcp)["due_time"]) == (0, 1)


@pytest.mark.parametrize("change", [{"bytes": 1000}, {"after": 1}])
def test_whichever_is_first_and_live(mptcp4, change):
    """Neither is due; then one of them is changed and is."""
    mptcp4.attach(CLIENT, "delay", subflows=1, bytes=10_000_000, after=86_400_000)
    session = mptcp4.connect()
    session.download(20_000)
    assert len(session.subflows(CLIENT)) == 1
    mptcp4.set(CLIENT, "delay", **change)
    session.exchange()
    session.wait_subflows(CLIENT, 2)


def test_disabled(mptcp4):
    mptcp4.attach(CLIENT, "delay", subflows=1, bytes=0, after=0)
    session = mptcp4.connect()
    session.download(300_000)
    assert stats(mptcp4)["opened"] == 0
    mptcp4.set(CLIENT, "delay", bytes=100_000)
    session.download(1000)
    session.wait_subflows(CLIENT, 2)


def test_to_announced_addresses_first(mptcp):
    """One subflow to each of them, the rest to the first address."""
    family = mptcp.family
    mptcp.paths.endpoint(SERVER, address(family, 1, SERVER), "signal")
    mptcp.attach(CLIENT, "delay", subflows=2, bytes=50_000, after=0)
    session = mptcp.connect()
    eventually(lambda: stats(mptcp)["announced"] == 1, "ADD_ADDR noted")
    session.download(60_000)
    flows = session.wait_subflows(CLIENT, 3)
    there = [address(family, path, SERVER) for path in (0, 0, 1)]
    assert sorted(sf.remote for sf in flows) == sorted(there)
    session.exchange()


def test_number_is_changed_once_due(mptcp4):
    mptcp4.attach(CLIENT, "delay", subflows=1, bytes=0, after=1)
    session = mptcp4.connect()
    session.wait_subflows(CLIENT, 2)
    for number in (4, 0, 2):
        mptcp4.set(CLIENT, "delay", subflows=number)
        session.wait_subflows(CLIENT, number + 1)
    session.exchange()
