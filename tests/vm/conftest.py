# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from ends import Ends


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def family(request):
    return request.param


@pytest.fixture
def pair(hosts, shared_loader, make_cgroup, family):
    return Ends(hosts, shared_loader, make_cgroup, family)


@pytest.fixture
def pair4(hosts, shared_loader, make_cgroup):
    return Ends(hosts, shared_loader, make_cgroup, 4)
