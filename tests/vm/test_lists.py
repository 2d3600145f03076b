# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters that are maps, judged by what bpftool and the program find in them."""
import json
import pathlib
import signal
import subprocess
import sys

import pytest

from test_loader import bpftool, links, refused

# What the kernels of this repository have built in; the rest are modules or absent.
OFFERED = pathlib.Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
CONNECT = """
import os, socket, sys
open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()))
family = socket.AF_INET6 if ':' in sys.argv[2] else socket.AF_INET
listener = socket.create_server((sys.argv[2], 0), family=family)
socket.create_connection(listener.getsockname()[:2]).close()
"""


@pytest.fixture
def attached(loader, cgroup):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    loader.ok("attach", "lists", "--cgroup", cgroup, "--set", "prefixes=127.0.0.0/8,2001:db8::/32",
              "--set", "allow=reno", "--set", "request=reno")
    return loader


def dump(loader, cgroup, name):
    """Entries of the pinned map: ({key as bytes: value as bytes})."""
    pin = loader.bpffs / f"lists@{cgroup.stat().st_ino}/maps/{name}"

    def raw(words):
        return bytes(int(word, 16) for word in words)

    return {raw(entry["key"]): raw(entry["value"])
            for entry in bpftool("map", "dump", "pinned", str(pin))}


def connect(cgroup, address):
    subprocess.run([sys.executable, "-c", CONNECT, str(cgroup), address], check=True)


def test_lists_are_in_the_maps_and_in_list(attached, cgroup):
    assert attached.params("lists", cgroup) == {
        "request": "reno", "modern": 4, "exid": 0x7463,
        "prefixes": ["127.0.0.0/8", "2001:db8::/32"], "allow": ["reno"]}
    assert "prefixes=127.0.0.0/8,2001:db8::/32" in attached.ok("list")
    assert "allow=reno" in attached.ok("list")
    one = (1).to_bytes(4, "little")
    assert dump(attached, cgroup, "prefixes") == {
        (104).to_bytes(4, "little") + bytes(10) + b"\xff\xff\x7f\0\0\0": one,
        (32).to_bytes(4, "little") + bytes.fromhex("20010db8") + bytes(12): one}
    offered = OFFERED.read_text(encoding="ascii").split()
    found = {value[:16].rstrip(b"\0").decode(): int.from_bytes(value[16:], "little")
             for value in dump(attached, cgroup, "algorithms").values()}
    assert found == {name: int(name == "reno") for name in offered}


def test_the_program_finds_peers_in_its_prefixes(attached, cgroup):
    connect(cgroup, "127.0.0.1")
    connect(cgroup, "::1")
    assert attached.stats("lists", cgroup) == {"trusted": 1, "strange": 1, "allowed": 2}
    attached.ok("set", "lists", "--cgroup", cgroup, "prefixes=::1", "allow=")
    connect(cgroup, "127.0.0.1")
    connect(cgroup, "::1")
    assert attached.stats("lists", cgroup) == {"trusted": 2, "strange": 2, "allowed": 2}


def test_set_replaces_a_list_and_leaves_the_others(attached, cgroup):
    attached.ok("set", "lists", "--cgroup", cgroup, "prefixes=10.0.0.0/8,::1", "exid=0xf989")
    params = attached.params("lists", cgroup)
    assert params["prefixes"] == ["::1/128", "10.0.0.0/8"]
    assert (params["allow"], params["exid"]) == (["reno"], 0xf989)
    assert len(dump(attached, cgroup, "prefixes")) == 2
    attached.ok("set", "lists", "--cgroup", cgroup, "prefixes=", "allow=")
    params = attached.params("lists", cgroup)
    assert (params["prefixes"], params["allow"]) == ([], [])
    assert not dump(attached, cgroup, "prefixes")


def test_a_full_map_takes_other_entries(attached, cgroup):
    """The map holds four; there is no room for the old and the new at once."""
    for first in (10, 20):
        wanted = [f"{first + i}.0.0.0/8" for i in range(4)]
        attached.ok("set", "lists", "--cgroup", cgroup, "prefixes=" + ",".join(wanted))
        assert attached.params("lists", cgroup)["prefixes"] == wanted


def test_bad_lists_change_nothing(attached, cgroup):
    five = ",".join(f"{i}.0.0.0/8" for i in range(1, 6))
    shown, kept = attached.list(), dump(attached, cgroup, "prefixes")
    for words, settings in [
            (["'nonsense' is not a prefix", "10.0.0.0/8"], ["prefixes=nonsense"]),
            (["10.1.2.3/8 has bits set", "write 10.0.0.0/8"], ["prefixes=10.1.2.3/8"]),
            (["2001:db8::1/32 has bits set", "write 2001:db8::/32"], ["prefixes=2001:db8::1/32"]),
            (["0..32 bits"], ["prefixes=10.0.0.0/33"]),
            (["10.0.0.0/8 is given twice"], ["prefixes=10.0.0.0/8,::ffff:10.0.0.0/104"]),
            (["5 prefixes", "at most 4"], ["prefixes=" + five]),
            (["::/0 would hold every IPv4 address"], ["prefixes=::/0"]),
            (["no congestion control 'swift'", "cubic", "reno"], ["allow=swift"]),
            (["not one of its values"], ["request=swift"]),
            (["no parameter 'algorithms'", "allow"], ["algorithms=reno"]),
            # Good ones beside a bad one.
            (["out of range"], ["prefixes=10.0.0.0/8", "allow=cubic", "modern=10"]),
            (["is not a prefix"], ["exid=7", "allow=", "prefixes=x"])]:
        refused(attached.ctl("set", "lists", "--cgroup", cgroup, *settings), *words)
        assert attached.list() == shown and dump(attached, cgroup, "prefixes") == kept


def test_bad_lists_keep_a_program_from_being_attached(loader, cgroup):
    before = links()
    for setting in ("prefixes=10.0.0.1/8", "allow=swift"):
        refused(loader.ctl("attach", "lists", "--cgroup", cgroup, "--set", setting), "; ")
    assert links() == before and not list(loader.bpffs.iterdir())


def test_a_successor_adopts_lists(attached, cgroup):
    before = attached.entry("lists", cgroup)
    attached.stop(signal.SIGKILL)
    attached.start()
    assert attached.entry("lists", cgroup) == before
    attached.ok("set", "lists", "--cgroup", cgroup, "prefixes=10.0.0.0/8", "allow=cubic")
    params = attached.params("lists", cgroup)
    assert (params["prefixes"], params["allow"]) == (["10.0.0.0/8"], ["cubic"])


def test_kernels_without_declaration_tags_lose_no_parameter(loader, cgroup, tmp_path):
    """As Linux 5.10 is: the types that it keeps say nothing of ranges and names."""
    library = tmp_path / "no_decl_tags.so"
    source = pathlib.Path(__file__).with_name("no_decl_tags.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    loader.stop()
    loader.start(LD_PRELOAD=str(library))
    for name in ("sample", "lists"):
        loader.ok("attach", name, "--cgroup", cgroup)
        pin = loader.bpffs / f"{name}@{cgroup.stat().st_ino}/maps/params"
        types = bpftool("map", "show", "pinned", str(pin)).get("btf_id")
        kept = subprocess.run(["bpftool", "btf", "dump", "id", str(types)], check=True,
                              capture_output=True, text=True).stdout
        assert "'params'" in kept and "DECL_TAG" not in kept
    loader.stop(signal.SIGKILL)
    loader.start(LD_PRELOAD=str(library))
    refused(loader.ctl("set", "sample", "--cgroup", cgroup, "timeout=301"), "1..300 s")
    refused(loader.ctl("set", "lists", "--cgroup", cgroup, "request=swift"), "none|reno|cubic")
    loader.ok("set", "lists", "--cgroup", cgroup, "request=cubic", "allow=cubic")
    params = loader.params("lists", cgroup)
    assert (params["request"], params["allow"], params["prefixes"]) == ("cubic", ["cubic"], [])


def test_programs_and_check_know_lists(ctl):
    text = ctl("programs").stdout
    assert "peers to trust" in text and "what is allowed" in text
    program = next(p for p in json.loads(ctl("programs", "--json").stdout) if p["name"] == "lists")
    described = {param["name"]: param for param in program["params"]}
    assert described["prefixes"]["type"] == "prefixes"
    assert described["allow"]["type"] == "algorithms"
    assert described["modern"]["requires"] == "tcp-option-calls"
    features = {f["name"]: f for f in json.loads(ctl("check", "--json").stdout)["features"]}
    assert "lists" in features["tcp-option-calls"]["wanted_by"]
    assert "lists" not in features["tcp-option-calls"]["needed_by"]
