# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's TCP option hooks, on the wire and in its counters."""
import errno
import os
import socket
import struct

import pytest

from net import ACK, ADDRESS, CLIENT, FIN, SERVER, SYN, PeerError, run
from pair import MTU_FRAME, sent

KIND = 0xfd  # RFC 6994: shared by experiments
WORD = 0xfd04cafe
OPTION = {"word0": WORD, "ask": 4, "ask_mss": 4}
EXPECT = {"kind": KIND, "length": 4, "value": 0xcafe0000}
VALUE = bytes.fromhex("cafe")
WRITE, PARSE = 1, 2


def test_option_in_every_segment_and_parsed_in_every_state(pair):
    """SYN, SYN-ACK, third ACK, data, FIN: written by one end, read by the other."""
    both = {"listen": WRITE | PARSE, "connect": WRITE | PARSE, "established": WRITE | PARSE}
    pair.hosts.offloads(False)
    for name in (CLIENT, SERVER):
        pair.attach(name, **OPTION, **EXPECT, **both)
    pair.connect().upload(5000)
    pair.download(5000)
    segments = pair.finish()

    for segment in segments:
        assert segment.option(KIND) == [VALUE], segment
    assert sent(segments, CLIENT, SYN) and sent(segments, SERVER, SYN | ACK)
    assert sent(segments, CLIENT, FIN) and sent(segments, SERVER, FIN)

    client, server = pair.stats(CLIENT), pair.stats(SERVER)
    assert server["parse_syn"] == 1 and server["parse_synack"] == 0
    assert client["parse_synack"] == 1 and client["parse_syn"] == 0
    assert server["parse_handshake_ack"] == 1
    for end in (client, server):
        assert end["parse_data"] > 0 and end["parse_fin"] == 1
        assert end["size_mss"] > 0 and end["size_established"] > 0
        for wrong in ("parse_other", "size_bad_arg", "write_bad_arg", "fields_of_request"):
            assert end[wrong] == 0, wrong
    assert client["size_syn"] == 1 and client["write_request"] == 0
    assert server["size_synack"] == 1 and server["write_request"] == 1
    assert pair.counter(CLIENT, "Sent") == len(sent(segments, CLIENT))
    assert pair.counter(SERVER, "Sent") == len(sent(segments, SERVER))
    for name, end in ((CLIENT, client), (SERVER, server)):
        parsed = sum(count for key, count in end.items() if key.startswith("parse_"))
        assert pair.counter(name, "Parsed") == parsed


def test_third_ack_is_parsed_when_the_flag_comes_with_the_handshake(pair):
    """The listener knew nothing; the program asks as the connection is made."""
    pair.attach(CLIENT, **OPTION, established=WRITE)
    pair.attach(SERVER, **EXPECT, established=PARSE)
    pair.connect().finish()
    stats = pair.stats(SERVER)
    assert stats["parse_handshake_ack"] == 1 and stats["parse_syn"] == 0


def test_syn_cookies(pair):
    """No request survives between SYN and third ACK, the option is read all the same."""
    pair.hosts.sysctl(SERVER, "net.ipv4.tcp_syncookies", 2)
    both = {"listen": WRITE | PARSE, "connect": WRITE | PARSE, "established": WRITE | PARSE}
    for name in (CLIENT, SERVER):
        pair.attach(name, **OPTION, **EXPECT, **both)
    pair.connect().upload(5000)
    segments = pair.finish()
    assert all(segment.option(KIND) == [VALUE] for segment in segments)
    stats = pair.stats(SERVER)
    assert stats["parse_syn"] == 1 and stats["parse_handshake_ack"] == 1
    assert pair.hosts.counter(SERVER, "SyncookiesRecv") == 1


def test_no_callback_without_its_flag(pair4):
    for name in (CLIENT, SERVER):
        pair4.attach(name, **OPTION, **EXPECT)
    pair4.connect().upload(5000)
    segments = pair4.finish()
    assert not any(segment.option(KIND) for segment in segments)
    for name in (CLIENT, SERVER):
        assert not any(pair4.stats(name).values())


def test_sixteen_bytes_by_reply(pair4):
    words = {"word0": 0xfd10cafe, "word1": 0x01020304, "word2": 0x05060708, "word3": 0x090a0b0c}
    pair4.attach(CLIENT, ask=16, ask_mss=16, established=WRITE, **words)
    pair4.attach(SERVER, kind=KIND, length=16, value=0xcafe0102, established=PARSE)
    pair4.connect().upload(100)
    segments = pair4.finish()
    data = sent(segments, CLIENT, payload=True)
    assert data and all(
        s.option(KIND) == [bytes.fromhex("cafe0102030405060708090a0b0c")] for s in data)
    assert pair4.stats(SERVER)["parse_data"] >= 1
    assert pair4.stats(SERVER)["parse_other"] == 0


def test_option_shorter_than_its_padding(pair4):
    pair4.attach(CLIENT, ask=3, ask_mss=3, word0=0xfd03aa00, established=WRITE)
    pair4.connect().upload(100)
    for segment in sent(pair4.finish(), CLIENT, without=SYN):
        assert segment.option(KIND) == [b"\xaa"]
        assert len(segment.options) % 4 == 0 and segment.options[-1] == 1


@pytest.mark.parametrize("ask", [29, 41, 255])
def test_no_room(pair, ask):
    """More than is left of the 40 bytes (timestamps take 12): no bytes, counted."""
    pair.attach(CLIENT, ask=ask, word0=WORD, established=WRITE)
    pair.connect().upload(5000)
    segments = pair.finish()
    for segment in sent(segments, CLIENT, without=SYN):
        assert not segment.option(KIND) and len(segment.options) == 12, segment
    assert pair.counter(CLIENT, "NoRoom") == len(sent(segments, CLIENT, without=SYN))
    assert pair.counter(CLIENT, "Sent") == 0


def test_all_of_the_room(pair4):
    """28 bytes beside timestamps fill the header to its 60 bytes."""
    pair4.attach(CLIENT, ask=28, ask_mss=28, word0=0xfd10cafe, established=WRITE)
    pair4.connect().upload(5000)
    for segment in sent(pair4.finish(), CLIENT, without=SYN):
        assert len(segment.options) == 40 and segment.option(KIND)
    assert pair4.counter(CLIENT, "NoRoom") == 0


@pytest.mark.parametrize("written", [
    {},  # reserved and not written
    {"word0": 0xfd100000},  # longer than what was reserved
    {"word0": 0xfd01cafe},  # a length that no option has
    {"word0": 0x0804cafe},  # the stack's own kind
    {"word0": 0x01010105},  # a kind with no room for its length
], ids=["nothing", "too-long", "silly", "timestamps", "cut"])
def test_nops_for_what_is_not_an_option(pair4, written):
    pair4.attach(CLIENT, ask=4, ask_mss=4, established=WRITE, **written)
    pair4.connect().upload(5000)
    segments = sent(pair4.finish(), CLIENT, without=SYN)
    for segment in segments:
        assert segment.options[12:] == b"\x01\x01\x01\x01", segment
    assert pair4.counter(CLIENT, "Refused") == (len(segments) if written else 0)
    assert pair4.counter(CLIENT, "Sent") == 0


def test_arguments_never_reach_the_wire(pair4):
    """args[1] shares its storage with the second word of the reply."""
    pair4.attach(CLIENT, ask=12, ask_mss=12, word0=WORD, established=WRITE)
    pair4.connect().upload(100)
    for segment in sent(pair4.finish(), CLIENT, without=SYN):
        assert segment.options[12:] == bytes.fromhex("fd04cafe") + b"\x01" * 8, segment


def test_programs_share_a_segment(pair):
    """Two programs and a bystander that answers -1, in one cgroup and its parent."""
    pair.attach(CLIENT, "bystander")
    pair.attach(CLIENT, **OPTION, established=WRITE)
    pair.attach(CLIENT, "second")
    pair.connect().upload(5000)
    segments = sent(pair.finish(), CLIENT, without=SYN)
    assert segments
    for segment in segments:
        assert sorted(segment.option(KIND)) == [bytes.fromhex("beef2222"), VALUE], segment


def test_mss_makes_room(pair):
    """Full segments with a 12 byte option: none is longer than the link's MTU."""
    pair.hosts.offloads(False)
    pair.attach(CLIENT, ask=12, ask_mss=12, word0=0xfd0ccafe, word1=1, word2=2,
                established=WRITE)
    pair.connect().upload(200_000)
    data = sent(pair.finish(), CLIENT, payload=True)
    assert max(s.frame for s in data) == MTU_FRAME
    assert all(s.option(KIND) for s in data)
    assert pair.counter(CLIENT, "NoRoom") == 0


def test_option_that_the_mss_did_not_count(pair):
    """Full segments go without the option rather than over the MTU; others have it."""
    pair.hosts.offloads(False)
    pair.attach(CLIENT, ask=12, ask_mss=0, word0=0xfd0ccafe, word1=1, word2=2,
                established=WRITE)
    pair.connect().upload(200_000)
    segments = pair.finish()
    data = sent(segments, CLIENT, payload=True)
    full = [s for s in data if s.frame == MTU_FRAME]
    assert full and not any(s.option(KIND) for s in full)
    assert max(s.frame for s in data) == MTU_FRAME
    assert all(s.option(KIND) for s in sent(segments, CLIENT, ACK, SYN, payload=False))
    assert pair.counter(CLIENT, "NoRoom") == len(full)


def test_sending_callbacks_cannot_set_socket_options(pair4):
    pair4.attach(CLIENT, **OPTION, established=WRITE, setsockopt=1)
    pair4.connect().upload(50_000)
    pair4.finish()
    stats = pair4.stats(CLIENT)
    assert stats["setsockopt_refused"] > 0 and stats["setsockopt_allowed"] == 0


def test_sack_keeps_its_room(pair4):
    """Loss fills the header with SACK blocks; our option takes only what is left."""
    pair4.hosts.netem(CLIENT, "loss", "10%")
    words = {"word0": 0xfd10cafe, "word1": 1, "word2": 2, "word3": 3}
    pair4.attach(SERVER, ask=16, ask_mss=16, established=WRITE, **words)
    pair4.connect().upload(2_000_000)
    segments = pair4.finish()
    acks = sent(segments, SERVER, ACK, SYN, payload=False)
    blocks = [s for s in acks if s.option(5)]
    assert blocks, "no SACK seen"
    assert all(len(s.options) <= 40 for s in acks)
    assert any(len(s.option(5)[0]) == 8 and s.option(KIND) for s in blocks)
    crowded = [s for s in blocks if len(s.option(5)[0]) >= 16]
    assert not any(s.option(KIND) for s in crowded)
    assert pair4.counter(SERVER, "NoRoom") >= len(crowded)


def md5_key(address, key=b"tcpopt"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    storage = struct.pack("=HH", family, 0)
    storage += (bytes(4) if family == socket.AF_INET6 else b"")
    storage += socket.inet_pton(family, address)
    return (storage.ljust(128, b"\0") + struct.pack("=BBHi", 0, 0, len(key), 0) +
            key.ljust(80, b"\0")).hex()


def ao_key(address, key=b"tcpopt"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    storage = struct.pack("=HH", family, 0)
    storage += (bytes(4) if family == socket.AF_INET6 else b"")
    storage += socket.inet_pton(family, address)
    prefix = 128 if family == socket.AF_INET6 else 32
    # struct tcp_ao_add: set_current and set_rnext, one 12 byte MAC
    return (storage.ljust(128, b"\0") + b"hmac(sha1)".ljust(64, b"\0") +
            struct.pack("=iIHBBBBBB", 0, 0b11, 0, prefix, 100, 100, 12, 0, len(key)) +
            key.ljust(80, b"\0")).hex()


TCP_MD5SIG, TCP_AO_ADD_KEY = 14, 38


@pytest.mark.parametrize("signature", ["md5", "ao"])
def test_signed_segments(pair, signature):
    """The receiver checks the signature over the header that went out."""
    make, name = {"md5": (md5_key, TCP_MD5SIG), "ao": (ao_key, TCP_AO_ADD_KEY)}[signature]
    both = {"listen": WRITE | PARSE, "connect": WRITE | PARSE, "established": WRITE | PARSE}
    for end in (CLIENT, SERVER):
        pair.attach(end, **OPTION, **EXPECT, **both)
    addresses = ADDRESS[pair.family]
    pair.client = pair.hosts.peer(CLIENT, pair.cgroups[CLIENT])
    pair.server = pair.hosts.peer(SERVER, pair.cgroups[SERVER])
    key = make(addresses[CLIENT])
    if signature == "ao":  # a listener has no current key
        raw = bytearray.fromhex(key)
        struct.pack_into("=I", raw, 196, 0)
        key = raw.hex()
    pair.listener = pair.server.listen(addresses[SERVER], 7000,
                                       options=[[socket.SOL_TCP, name, key]])
    pair.capture = pair.hosts.capture()
    pair.server.start("accept", pair.listener)
    pair.out = pair.client.connect(addresses[SERVER], 7000,
                                   options=[[socket.SOL_TCP, name, make(addresses[SERVER])]])
    pair.inn = pair.server.wait()
    pair.upload(50_000)
    segments = pair.finish()
    signed = {"md5": 19, "ao": 29}[signature]
    for segment in segments:
        assert segment.option(signed) and segment.option(KIND) == [VALUE], segment


def test_mptcp_keeps_its_options(pair):
    """An option of ours beside MPTCP's: the data arrives and nothing falls back."""
    pair.attach(CLIENT, **OPTION, established=WRITE)
    pair.attach(SERVER, **EXPECT, established=PARSE)
    pair.connect(mptcp=True).upload(300_000)
    pair.download(300_000)
    segments = pair.finish()
    assert all(s.option(30) for s in sent(segments, CLIENT, payload=True))
    assert any(s.option(KIND) for s in sent(segments, CLIENT, ACK, SYN, payload=False))
    assert pair.stats(SERVER)["parse_other"] == 0


def test_detach_ends_it_at_once(pair4):
    pair4.attach(CLIENT, **OPTION, established=WRITE)
    pair4.connect().upload(1000)
    before = pair4.counter(CLIENT, "Sent")
    assert before > 0
    pair4.detach(CLIENT)
    pair4.upload(1000)
    segments = pair4.finish()
    assert pair4.counter(CLIENT, "Sent") == before
    assert not sent(segments, CLIENT, FIN)[0].option(KIND)


def test_other_cgroups_are_untouched(pair4, make_cgroup):
    pair4.attach(CLIENT, **OPTION, connect=WRITE, established=WRITE)
    pair4.cgroups[CLIENT] = make_cgroup("other")
    pair4.connect().upload(1000)
    assert not any(s.option(KIND) for s in pair4.finish())


def test_paper_example(pair):
    """Option 66 from the third ACK on; none after the second data segment came in.

    `make check-listing` runs this with the listing as it is printed in the paper.
    """
    pair.attach(CLIENT, os.environ.get("TCPOPT_EXAMPLE", "initial_window"))
    pair.connect().upload(100)
    for _ in range(3):
        pair.download(100)
    pair.upload(100)
    segments = pair.finish()
    from_client = sent(segments, CLIENT, without=SYN)
    window = struct.pack("=H", 20)
    assert from_client[0].option(66) == [window], "third ACK"
    assert sent(segments, CLIENT, payload=True)[0].option(66) == [window]
    assert not from_client[-1].option(66)
    assert not any(s.option(66) for s in segments if s.source == SERVER)


def test_unknown_flag_is_still_refused(pair4):
    """What the sockets API says of bad input does not change."""
    pair4.connect()
    with pytest.raises(PeerError) as error:
        pair4.client.setopt(pair4.out, socket.SOL_TCP, 1008, 1 << 16)
    assert error.value.errno == errno.ENOPROTOOPT
    pair4.finish()


def test_counters_have_names(hosts):
    names = run("ip", "netns", "exec", CLIENT, "nstat", "-asz")
    for name in ("Sent", "NoRoom", "Refused", "Parsed", "Malformed", "Lost", "NoMem"):
        assert f"TcpExtTCPBPFOpt{name} " in names
