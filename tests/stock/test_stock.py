# SPDX-License-Identifier: GPL-2.0-or-later
"""What the toolkit says and does on a kernel without our patches."""
import json


def test_check_names_what_is_missing_and_what_brings_it(ctl):
    done = ctl("check", "--json")
    found = json.loads(done.stdout)
    features = {entry["name"]: entry for entry in found["features"]}
    programs = {entry["name"]: entry for entry in found["programs"]}
    assert done.returncode == 0  # some programs run, so it is worth the daemon's while
    assert programs["uto"]["runs"] and programs["cc"]["runs"] and not programs["fullmesh"]["runs"]
    # Linux 6.1: the iterator could set nothing, so set does not say that it did.
    assert not programs["uto"]["reaches_live"] and "iter-cb-flags" in programs["uto"]["why"]
    missing = [name for name, entry in features.items() if not entry["available"]]
    assert missing == ["iter-cb-flags", "tcp-options", "tcp-option-calls", "tcp-delayed-ack",
                       "mptcp-path-manager", "mptcp-options", "mptcp-scheduler",
                       "mptcp-idle-timeout"]
    for name in missing[1:]:
        symbol = "MPTCP_BPF_PM" if name.startswith("mptcp") else "BPF_TCP_OPTIONS"
        assert "kernel-patches" in features[name]["brought_by"]
        assert f"CONFIG_{symbol}=y" in features[name]["brought_by"]
    assert features["tcp-header-options"]["available"]


def test_a_parameter_that_needs_a_missing_feature_is_refused_in_one_line(loader, cgroup):
    """The program itself is content with what the stock kernel has."""
    done = loader.ctl("attach", "lists", "--cgroup", cgroup, "--set", "modern=5")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "modern= needs tcp-option-calls, which this kernel lacks; " in done.stderr
    assert "CONFIG_BPF_TCP_OPTIONS" in done.stderr
    assert loader.list() == []
    loader.ok("attach", "lists", "--cgroup", cgroup, "--set", "modern=4")
    shown = loader.list()
    done = loader.ctl("set", "lists", "--cgroup", cgroup, "exid=1", "modern=5")
    assert done.returncode == 1 and "modern= needs tcp-option-calls" in done.stderr
    assert loader.list() == shown
    loader.ok("set", "lists", "--cgroup", cgroup, "exid=1", "modern=4")


def test_attach_is_refused_in_one_line(loader, cgroup):
    done = loader.ctl("attach", "optest", "--cgroup", cgroup)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "tcp-options" in done.stderr and "CONFIG_BPF_TCP_OPTIONS" in done.stderr
    assert loader.list() == []


def test_set_says_that_live_connections_keep_their_values(loader, cgroup):
    done = loader.ctl("attach", "uto", "--cgroup", cgroup)
    assert done.returncode == 0 and "set will not reach live connections" in done.stderr
    assert "iter-cb-flags" in done.stderr
    assert "for new connections" in loader.ok("set", "uto", "--cgroup", cgroup, "advertise=5")
