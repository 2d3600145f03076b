# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that ask the peer for something by an MPTCP option: what their tests share."""
import mpopt
from mpopt import UNTIL_ECHOED, option
from mptcp import Mptcp
from net import CLIENT, SERVER, eventually


class Ask:
    """One such program, on a session between the two hosts."""

    def __init__(self, mptcp: Mptcp, program, exid):
        self.mptcp, self.program, self.exid = mptcp, program, exid
        self.session, self.sender = None, None

    def attach(self, name, **params):
        self.mptcp.attach(name, self.program, **params)

    def set(self, name, **params):
        self.mptcp.set(name, self.program, **params)

    def connect(self, subflows=1):
        self.session = self.mptcp.connect()
        self.session.wait_subflows(SERVER, subflows)
        return self.session

    def stats(self, name):
        return self.mptcp.stats(name, self.program)

    def counted(self, name):
        """What was counted, but for what each session does."""
        return {k: v for k, v in self.stats(name).items() if v and k != "sessions"}

    def wait(self, name, **counters):
        """Until they are as said; the others do not matter."""
        seen = {}

        def reached():
            seen.update(self.stats(name))
            return all(seen[key] == value for key, value in counters.items())
        try:
            eventually(reached, f"{counters}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from None

    def told(self, name=CLIENT, times=1):
        """That end asked so often, and its peer has it."""
        self.wait(name, asked=times, echoed=times)

    # A peer that says what no program would.

    def raw(self):
        """At the client, instead of the program."""
        self.sender = mpopt.Options(self.mptcp.loader, self.mptcp.cgroups[CLIENT], exid=self.exid)
        return self.sender

    def say(self, value, bits=0, subflow=0):
        """Any value, and it has arrived when this returns."""
        before = len(self.sender.events(mpopt.DONE))
        self.sender.send(opt=option(value, exid=self.exid, bits=bits), subflow=subflow,
                         flags=UNTIL_ECHOED)
        assert self.sender.wait(mpopt.DONE, before + 1).args[1] == mpopt.ECHOED

    def close(self):
        if self.sender:
            self.sender.close()
