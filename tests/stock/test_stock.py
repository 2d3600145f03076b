# SPDX-License-Identifier: GPL-2.0-or-later
"""What the toolkit says and does on a kernel without our patches."""
import json


def test_check_names_what_is_missing_and_what_brings_it(ctl):
    done = ctl("check", "--json")
    features = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert done.returncode == 1
    missing = [name for name, entry in features.items() if not entry["available"]]
    assert missing == ["tcp-options"]
    assert "kernel-patches" in features["tcp-options"]["brought_by"]
    assert "CONFIG_BPF_TCP_OPTIONS" in features["tcp-options"]["brought_by"]


def test_attach_is_refused_in_one_line(loader, cgroup):
    done = loader.ctl("attach", "uto", "--cgroup", cgroup)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "tcp-options" in done.stderr and "CONFIG_BPF_TCP_OPTIONS" in done.stderr
    assert loader.list() == []
