# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that the README shows, as they are printed."""
from mptcp import counter
from net import CLIENT, SERVER
from pair import experiment, sent

OPTION = experiment(0xbeef, b"\x01\x02")


def test_option(pair):
    """Each end sends it with data until some has arrived."""
    for name in (CLIENT, SERVER):
        pair.attach(name, "hello")
    pair.connect()
    pair.upload(1000)
    pair.download(1000)
    pair.upload(1000)
    segments = pair.finish()
    for name in (CLIENT, SERVER):
        first, *later = sent(segments, name, payload=True)
        assert OPTION in first.options
        assert not any(OPTION in s.options for s in later[1:])


def test_path_manager(mptcp):
    mptcp.attach(CLIENT, "another")
    before = counter(CLIENT, "MPJoinSynAckRx")
    session = mptcp.connect()
    for name in (CLIENT, SERVER):
        session.wait_subflows(name, 2)
    session.download(100_000)
    assert counter(CLIENT, "MPJoinSynAckRx") - before == 1
    session.close()
