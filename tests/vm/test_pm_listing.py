# SPDX-License-Identifier: GPL-2.0-or-later
"""The path manager of Listing 7.1 of the thesis, which is Listing 2 of the paper.

`make check-listing` runs this with the listing as it is printed.
"""
import os

import pytest

from net import CLIENT, SERVER, eventually
from mptcp import counter
from paths import address

PROGRAM = os.environ.get("TCPOPT_PM_EXAMPLE", "listing71")


@pytest.mark.parametrize("ends", [(CLIENT,), (CLIENT, SERVER)], ids=["client", "both"])
def test_two_further_subflows(mptcp, ends):
    """Nobody listens at the client's port, so what a server's program opens is refused."""
    for name in ends:
        mptcp.attach(name, PROGRAM)
    joins = counter(SERVER, "MPJoinSynTx")
    session = mptcp.connect()
    for name in (CLIENT, SERVER):
        flows = session.wait_subflows(name, 3)
        assert len([sf for sf in flows if sf.initial]) == 1
    pair = tuple(address(mptcp.family, 0, name) for name in (SERVER, CLIENT))
    assert {sf.pair for sf in flows} == {pair} and len({sf.rport for sf in flows}) == 3
    session.upload(300_000)
    session.download(300_000)
    eventually(lambda: counter(SERVER, "MPJoinSynTx") - joins == 2 * (SERVER in ends),
               "as often as it calls bpf_open_subflow()")
    assert len(session.subflows(CLIENT)) == 3
    session.close()
