# SPDX-License-Identifier: GPL-2.0-or-later
"""What sock_diag tells of sessions: who is in charge, and how a subflow ended."""
import errno
import json
from pathlib import Path

import probe as pm
from mptcp import PORT
from net import CLIENT, SERVER, eventually, run

DIAG = Path(__file__).with_name("session_diag.py")


def told(name, user="root"):
    """Of the sessions at a host, by local port."""
    as_user = () if user == "root" else ("setpriv", "--reuid", user, "--clear-groups")
    found = json.loads(run("ip", "netns", "exec", name, *as_user, "/usr/bin/python3", str(DIAG)))
    return {one.pop("local_port"): one for one in found}


def test_path_manager_and_scheduler(mptcp4):
    """Of the network namespace, and what programs chose; the name is the attachment's."""
    server = mptcp4.probe(SERVER)
    order = server.order(pm.MANAGES, pm.SCHEDULER, src=b"redundant\0")
    session = mptcp4.connect()
    assert server.result(order) == 0
    there, = told(SERVER).values()
    shown = {a["name"]: a for a in json.loads(mptcp4.loader.ok("list", "--json"))}
    assert there == {"pm": shown["pmprobe"]["path_manager"], "scheduler": "redundant",
                     "closed": 0, "detail": 0}
    mine, = told(CLIENT).values()
    assert mine == {"pm": "kernel", "scheduler": "default", "closed": 0, "detail": 0}
    assert list(told(SERVER)) == [PORT]
    session.close()


def test_of_the_userspace(mptcp4):
    mptcp4.hosts.sysctl(CLIENT, "net.mptcp.pm_type", 1)
    mptcp4.connect()
    assert [one["pm"] for one in told(CLIENT).values()] == ["userspace"]


def test_how_the_latest_subflow_ended(mptcp4):
    client = mptcp4.probe(CLIENT)
    mptcp4.probe(SERVER)
    session = mptcp4.connect()
    assert client.now(pm.OPEN, dst=pm.sockaddr("10.9.0.2", 9)) == 0
    client.wait(pm.SUB_CLOSED)
    one, = told(CLIENT).values()
    assert (one["closed"], one["detail"]) == (pm.FAILED, errno.ECONNREFUSED)
    eventually(lambda: client.now(pm.OPEN) == 0, "another one")
    session.kill(SERVER, next(sf for sf in session.wait_subflows(SERVER, 2) if not sf.initial))
    eventually(lambda: told(CLIENT)[next(iter(told(CLIENT)))]["closed"] == pm.RST, "a reset")


def test_not_for_everybody(mptcp4):
    mptcp4.probe(CLIENT)
    mptcp4.connect()
    assert [sorted(one) for one in told(CLIENT, "nobody").values()] == [["closed", "detail"]]
