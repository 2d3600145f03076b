# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures for MPTCP: a second path, and pairs of hosts in cgroups."""
import pytest

from net import CLIENT, SERVER


@pytest.fixture(scope="module")
def module_paths(session_hosts):
    from paths import Paths
    paths = Paths(session_hosts)
    yield paths
    paths.remove()


@pytest.fixture
def paths(module_paths, hosts):
    """Limits high enough on both hosts; tests of the limits set their own."""
    for name in (CLIENT, SERVER):
        module_paths.limits(name)
    yield module_paths
    module_paths.reset()


def made(hosts, paths, loader, make_cgroup, kind):
    from mptcp import Mptcp
    return Mptcp(hosts, paths, loader, make_cgroup, kind)


@pytest.fixture
def mptcp4(hosts, paths, shared_loader, make_cgroup):
    pair = made(hosts, paths, shared_loader, make_cgroup, "ipv4")
    yield pair
    pair.end()


@pytest.fixture(params=["ipv4", "ipv6", "mapped"])
def mptcp(request, hosts, paths, shared_loader, make_cgroup):
    """A session of IPv4, of IPv6, and of IPv4 with sockets of IPv6."""
    pair = made(hosts, paths, shared_loader, make_cgroup, request.param)
    yield pair
    pair.end()
