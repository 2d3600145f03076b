# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that is detached while it runs, for which it takes two CPUs."""
from net import CLIENT, eventually
from test_options_others import GO, SET, WATCHED, others

assert others  # a fixture


def test_detached_while_it_runs(pair4, others):  # pylint: disable=redefined-outer-name
    """What it has is void by then, but nothing of it is gone that it still reads."""
    others.attach("leaves", pair4.cgroups[CLIENT])
    pair4.connect().upload(100)
    assert others.seen()[SET] == 0
    others.go()
    pair4.client.start("send", pair4.out, 100)
    eventually(lambda: others.seen()[GO] == 2, "an RTT sample")
    others.detach("leaves")
    others.go(3)
    eventually(lambda: others.seen()[GO] == 4, "that it went on")
    assert others.seen()[WATCHED] == 0
    assert pair4.server.recv(pair4.inn, 100) and pair4.client.wait() == 100
    pair4.finish()
