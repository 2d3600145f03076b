# SPDX-License-Identifier: GPL-2.0-or-later
"""Options and what sends (TSO) or receives (GRO) several segments as one."""
import pytest

from net import CLIENT, SERVER
from pair import MTU_FRAME, sent
from test_options import ESTABLISHED, KIND, ON_DATA, WRITE, head, template, value

LENGTH = 12


def upload(pair, count, **settings):
    """Segments of data, as they come up at the server, from a client with these options."""
    pair.attach(CLIENT, "calls", **settings)
    pair.connect().upload(count)
    return sent(pair.finish(), CLIENT, payload=True)


def test_template_keeps_tso(pair):
    data = upload(pair, 2_000_000, **template(LENGTH, ON_DATA))
    assert all(s.option(KIND) == [value(LENGTH)] for s in data)
    assert max(s.frame for s in data) > 10 * MTU_FRAME


@pytest.fixture
def aggregated(pair):
    """Of their headers nothing else differs that GRO would look at."""
    for name in (CLIENT, SERVER):
        pair.hosts.sysctl(name, "net.ipv4.tcp_timestamps", 0)
    pair.hosts.aggregate()
    return pair


def test_template_keeps_gro(aggregated):
    data = upload(aggregated, 300_000, **template(LENGTH, ON_DATA))
    assert all(s.option(KIND) == [value(LENGTH)] for s in data)
    assert max(s.frame for s in data) > 3 * MTU_FRAME


def test_options_that_differ_are_left_apart(aggregated):
    """What the test above would see if the bytes were not the same."""
    data = upload(aggregated, 300_000, head=head(), flags_at=ESTABLISHED, flags=WRITE,
                  store_size=LENGTH, vary=1)
    assert len({s.option(KIND)[0] for s in data}) > 100
    assert max(s.frame for s in data) == MTU_FRAME
