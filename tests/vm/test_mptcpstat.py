# SPDX-License-Identifier: GPL-2.0-or-later
"""mptcpstat on sessions of the kernel: tshark sees the same in the same file, and so do
the kernel's counters and ss."""
import collections
import ipaddress
import json
import subprocess
import time

import pytest

from mptcp import PORT, counter
from net import CLIENT, SERVER, eventually
from paths import FAST, SLOWEST, address, on
from recording import MPTCPSTAT, Recording


@pytest.fixture
def recording(hosts):
    made = []

    def begin(**options):
        made.append(Recording(hosts, **options))
        return made[-1]
    yield begin
    for one in made:
        one.end()


def ends(packet):
    """Sender and receiver, as mptcpstat writes them."""
    source = packet["ip.src"] or packet["ipv6.src"]
    destination = packet["ip.dst"] or packet["ipv6.dst"]
    return ((str(ipaddress.ip_address(source)), int(packet["tcp.srcport"])),
            (str(ipaddress.ip_address(destination)), int(packet["tcp.dstport"])))


def payload_by_sender(packets):
    sums = collections.Counter()
    for packet in packets:
        sums[ends(packet)] += int(packet["tcp.len"])
    return sums


def union(ranges):
    """How many numbers are in at least one of them."""
    total, top = 0, -1
    for begin, end in sorted(ranges):
        total += max(end - max(begin, top), 0)
        top = max(top, end)
    return total


def data_by_sender(packets):
    """Bytes by data sequence numbers, as tshark decodes DSS options, by sending host."""
    ranges = collections.defaultdict(list)
    for packet in packets:
        number, length = packet["tcp.options.mptcp.rawdataseqno"], int(packet["tcp.len"])
        if number and length:
            # The segment may be a part of what its mapping is about.
            inside = int(packet["tcp.seq"]) - int(packet["tcp.options.mptcp.subflowseqno"])
            fin = packet["tcp.options.mptcp.datafin.flag"] in ("1", "True")
            assert inside + length <= int(packet["tcp.options.mptcp.datalvllen"]) - fin, packet
            begin = int(number) + inside
            ranges[ends(packet)[0][1] == PORT].append((begin, begin + length))
    return {server: union(found) for server, found in ranges.items()}


def again_by_tshark(packets):
    """Bytes of the server's data that another subflow carried before, and the same one."""
    sent = [p for p in packets if p["tcp.options.mptcp.rawdataseqno"] and int(p["tcp.len"])
            and ends(p)[0][1] == PORT]
    base = min(int(p["tcp.options.mptcp.rawdataseqno"]) for p in sent)
    owners, top = bytearray(16 << 20), collections.Counter()
    reinjected = repeated = 0
    for packet in sent:
        seq, length, me = (int(packet[name]) for name in ("tcp.seq", "tcp.len", "tcp.stream"))
        if seq < top[me]:
            continue  # a retransmission of TCP: the capture is where it is sent
        top[me] = seq + length
        begin = (int(packet["tcp.options.mptcp.rawdataseqno"]) - base
                 + seq - int(packet["tcp.options.mptcp.subflowseqno"]))
        seen = owners[begin:begin + length]
        same, new = seen.count(me + 1), seen.count(0)
        repeated, reinjected = repeated + same, reinjected + length - same - new
        owners[begin:begin + length] = seen.replace(b"\0", bytes([me + 1]))
    return reinjected, repeated


def agrees_with_tshark(sessions, packets):
    """Sessions, their subflows, tokens and bytes."""
    streams = collections.defaultdict(set)
    for packet in packets:
        if packet["mptcp.stream"]:
            streams[packet["mptcp.stream"]].add(packet["tcp.stream"])
    assert sorted(len(s["subflows"]) for s in sessions) == sorted(map(len, streams.values()))
    tokens = {int(t) for p in packets for t in p["mptcp.expected_token"].split(";") if t}
    assert tokens == {int(end["token"], 16) for s in sessions for end in s["ends"]}
    joined = {int(p["tcp.options.mptcp.recvtok"]) for p in packets
              if p["tcp.options.mptcp.recvtok"]}
    assert joined <= tokens
    payload = payload_by_sender(packets)
    for session in sessions:
        for subflow in session["subflows"]:
            both = [(end["address"], end["port"]) for end in subflow["ends"]]
            for place, end in enumerate(subflow["ends"]):
                assert end["payload_bytes"] == payload[both[place], both[1 - place]], subflow


def test_two_paths(mptcp, recording):
    mptcp.paths.shape(0, FAST, "5ms")
    mptcp.paths.shape(1, FAST, "40ms")
    mptcp.join()
    joins = counter(SERVER, "MPJoinAckRx")
    capture = recording()
    began = time.time()
    session = mptcp.connect()
    session.wait_subflows(SERVER, 2)
    session.upload(300_000)
    session.download(400_000)
    received = {(sf.remote, int(sf.rport)): sf.received for sf in session.subflows(SERVER)}
    session.close()
    capture.finish()
    sessions, rest = capture.sessions()
    packets = capture.tshark()
    agrees_with_tshark(sessions, packets)
    [seen] = sessions
    assert counter(SERVER, "MPJoinAckRx") - joins == rest["totals"]["joins_by_state"]["established"]
    assert [sf["kind"] for sf in seen["subflows"]] == ["initial", "join"]
    assert [sf["ends"][0]["address"] for sf in seen["subflows"]] == [
        address(mptcp.family, path, CLIENT) for path in (0, 1)]
    assert seen["subflows"][1]["hmac"] == "right"
    assert seen["version"] == 1 and seen["fallback"] == "no" and seen["ended"] == "data-fin"
    # connect() exchanged 1000 bytes both ways.
    assert [end["data_bytes"] for end in seen["ends"]] == [301_000, 401_000]
    assert [end["unmapped_bytes"] for end in seen["ends"]] == [0, 0]
    # The first data is in MP_CAPABLE, which is no DSS option.
    assert data_by_sender(packets) == {False: 300_000, True: 401_000}
    for subflow in seen["subflows"]:
        client = subflow["ends"][0]
        assert client["unique_bytes"] == received[client["address"], client["port"]], received
    assert 0 <= seen["subflows"][1]["join_delay_after_established_s"] <= time.time() - began
    # What netem adds there and back, at least; a slow guest adds more.
    first, second = (sf["handshake_rtt_s"] for sf in seen["subflows"])
    assert first >= 0.01 and second >= 0.08, seen["subflows"]
    # With many samples the guest is less in the way. What this end sends is captured
    # behind its own delay, so only the other end's is left.
    least = [sf["ends"][1]["rtt_to_other_end"]["min_s"] for sf in seen["subflows"][:1]]
    assert 0.005 <= least[0] < 0.08, seen["subflows"][0]
    assert "limits_met" in rest and not any(rest["limits_met"].values())
    rows = capture.rows("--csv-subflows")
    assert [row["unique_bytes_1"] for row in rows] == [
        str(sf["ends"][1]["unique_bytes"]) for sf in seen["subflows"]]
    assert len(capture.rows("--csv")) == 1
    assert f"tokens {seen['ends'][0]['token']} > {seen['ends'][1]['token']}" in capture.mptcpstat()


def test_checksums_and_announced_address(mptcp4, recording):
    for name in (CLIENT, SERVER):
        mptcp4.hosts.sysctl(name, "net.mptcp.checksum_enabled", 1)
    mptcp4.paths.endpoint(SERVER, address(4, 1, SERVER), "signal")
    capture = recording()
    session = mptcp4.connect()
    session.wait_subflows(SERVER, 2)
    session.download(100_000)
    session.close()
    capture.finish()
    sessions, rest = capture.sessions()
    agrees_with_tshark(sessions, capture.tshark())
    [seen] = sessions
    assert seen["checksums_used"]
    assert rest["totals"]["checksums"]["wrong"] == 0
    assert rest["totals"]["checksums"]["right"] > 2
    [announced] = seen["add_addr"]
    assert announced["address"] == address(4, 1, SERVER) and announced["by"] == 1
    assert announced["hmac"] == "right" and announced["echoed"] and announced["joined"]


def test_reinjection_when_a_path_dies(mptcp4, recording):
    for path in (0, 1):
        mptcp4.paths.shape(path, SLOWEST, "5ms")
    mptcp4.join()
    # By the timer if the other path is idle just then; else once this one is given up as stale.
    def reinjected():
        return counter(SERVER, "MPTCPRetrans") + counter(SERVER, "SubflowStale")

    before = reinjected()
    # As an operator would on a busy link: without the payload.
    capture = recording(snaplen=160)
    session = mptcp4.connect()
    session.wait_subflows(SERVER, 2)
    # What the server sends on the first path gets lost behind the place of the capture.
    mptcp4.paths.nft(CLIENT, "iifname nosuch drop")
    session.begin_download(3_000_000, timeout=200)
    eventually(lambda: sum(sf.received for sf in session.subflows(CLIENT)) > 500_000, "data", 120)
    on(CLIENT, "nft", "add rule inet t c iifname eth0 drop")
    session.end_download(3_000_000)
    capture.finish()
    [seen], _ = capture.sessions()
    server = seen["ends"][1]
    assert server["data_bytes"] >= 3_000_000
    assert server["reinjections"] > 0, server
    assert server["reinjected_bytes"] > 1000, server
    assert (server["reinjected_bytes"], server["repeated_bytes"]) == again_by_tshark(
        capture.tshark())
    causes = server["reinjected_bytes_by_cause"]
    assert sum(causes.values()) == server["reinjected_bytes"]
    assert causes["timeout"] > 0, causes
    assert reinjected() > before


def test_live(mptcp4):
    """An interface instead of a file."""
    def sockets():
        return len(on(SERVER, "cat", "/proc/net/packet").splitlines())
    before = sockets()
    with subprocess.Popen(["ip", "netns", "exec", SERVER, str(MPTCPSTAT), "--json", "-i", "any"],
                          stdout=subprocess.PIPE, text=True) as live:
        eventually(lambda: sockets() > before, "its socket")
        session = mptcp4.connect()
        session.upload(50_000)
        session.close()
        live.terminate()  # it reads what came before
        seen = json.loads(live.communicate(timeout=60)[0])
    [found] = seen["sessions"]
    assert found["ends"][0]["data_bytes"] == 51_000
    assert found["ended"] == "data-fin"
    assert seen["capture"]["dropped"] == 0
