# SPDX-License-Identifier: GPL-2.0-or-later
"""The User Timeout Option program (RFC 5482), as tshark and the kernel see it."""
import errno
import signal
import socket

import pytest

from net import CLIENT, SERVER, SYN, eventually
from pair import Pair
from test_loader import refused

KIND = 28
MINUTES = 0x8000
TCP_USER_TIMEOUT = 18


class Uto(Pair):
    def timeout(self):
        """User timeout of the server's socket, ms."""
        return self.server.getopt(self.inn, socket.SOL_TCP, TCP_USER_TIMEOUT)

    def client_timeout(self):
        return self.client.getopt(self.out, socket.SOL_TCP, TCP_USER_TIMEOUT)


@pytest.fixture
def uto(hosts, shared_loader, make_cgroup):
    return Uto(hosts, shared_loader, make_cgroup, "uto")


def carried(segments, source):
    return [s for s in segments if s.source == source and s.timeout != ""]


@pytest.mark.parametrize("seconds, minutes, shown, applied", [
    (3, False, 3, 3), (32767, False, 32767, 32767),
    (32768, True, 547, 547 * 60), (1966020, True, 32767, 1966020)])
def test_option_on_the_wire_and_value_applied(uto, family, seconds, minutes, shown, applied):
    uto.attach(CLIENT, advertise=seconds)
    uto.attach(SERVER, l_limit=1, u_limit=1966020)
    uto.connect(family)
    uto.upload(1000)
    assert uto.timeout() == applied * 1000
    options = carried(uto.capture.segments(), CLIENT)
    assert options
    for segment in options:
        assert not segment.flags & SYN
        assert int(segment.timeout) == shown
        assert segment.minutes == minutes
        assert len(segment.option(KIND)) == 1 and len(segment.option(KIND)[0]) == 2


def test_sent_until_acknowledged(uto):
    """From the third ACK until data that carried it is acknowledged, then no more."""
    uto.attach(CLIENT, advertise=7)
    uto.attach(SERVER, l_limit=1)
    uto.connect()
    for _ in range(5):
        uto.upload(100)
        uto.download(100)
    segments = [s for s in uto.capture.segments() if s.source == CLIENT and not s.flags & SYN]
    with_option = [s for s in segments if s.timeout != ""]
    assert segments[0] in with_option, "third ACK"
    assert any(s.payload for s in with_option)
    assert segments[:len(with_option)] == with_option, "came back after it was acknowledged"
    assert len(with_option) < len(segments) - 3
    assert uto.stats(CLIENT)["advertised"] == 1


def test_pure_acks_do_not_advertise_for_ever(uto):
    """A client that only receives is never acknowledged."""
    uto.hosts.offloads(False)
    uto.attach(CLIENT, advertise=7)
    uto.attach(SERVER, l_limit=1)
    uto.connect()
    for _ in range(50):
        uto.download(4000)
    segments = [s for s in uto.capture.segments() if s.source == CLIENT and not s.flags & SYN]
    assert len(carried(segments, CLIENT)) == 32 < len(segments)
    assert uto.timeout() == 7000


def test_lost_advertisement_is_repeated(uto):
    """All segments with the option are lost for a while; it arrives in the end."""
    uto.attach(CLIENT, advertise=7)
    uto.attach(SERVER, l_limit=1)
    uto.connect()
    uto.hosts.netem(CLIENT, "loss", "60%")
    uto.upload(2000)
    assert uto.timeout() == 7000


def test_changed_value_reaches_a_live_connection(uto):
    uto.attach(CLIENT, advertise=7)
    uto.attach(SERVER, l_limit=1)
    uto.connect()
    uto.upload(100)
    uto.upload(100)
    assert uto.timeout() == 7000
    uto.set(CLIENT, advertise=9)
    uto.upload(100)
    assert uto.timeout() == 9000
    uto.upload(100)
    assert uto.stats(CLIENT)["advertised"] == 2
    values = [int(s.timeout) for s in carried(uto.capture.segments(), CLIENT)]
    assert sorted(values) == values and set(values) == {7, 9}


def test_both_ends_advertise(uto):
    """min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)) at each end."""
    uto.attach(CLIENT, advertise=20, l_limit=5, u_limit=30)
    uto.attach(SERVER, advertise=50, l_limit=5, u_limit=45)
    uto.connect()
    uto.upload(100)
    uto.download(100)
    assert uto.timeout() == 45_000
    assert uto.client_timeout() == 30_000


@pytest.mark.parametrize("advertise, l_limit, u_limit, expected", [
    (3, 1, 100, 3), (3, 10, 100, 10), (300, 10, 100, 100), (3, 50, 50, 50)])
def test_limits(uto, advertise, l_limit, u_limit, expected):
    uto.attach(CLIENT, advertise=advertise)
    uto.attach(SERVER, l_limit=l_limit, u_limit=u_limit)
    uto.connect()
    uto.upload(100)
    assert uto.timeout() == expected * 1000


def test_limits_that_contradict_each_other_are_refused(uto):
    refused(uto.loader.ctl("attach", "uto", "--cgroup", uto.cgroups[SERVER], "--set", "l_limit=500",
                           "--set", "u_limit=100"),
            "l_limit=500 is above u_limit=100", "give both")
    uto.attach(SERVER, l_limit=50)
    refused(uto.loader.ctl("set", "uto", "--cgroup", uto.cgroups[SERVER], "u_limit=20"),
            "l_limit=50 is above u_limit=20")
    assert uto.loader.params("uto", uto.cgroups[SERVER])["u_limit"] == 3600
    uto.set(SERVER, l_limit=10, u_limit=20)


def test_what_another_program_asked_for_goes_on(uto):
    """On a stock kernel both share one flag of the connection; ours never clears it."""
    uto.attach(CLIENT, advertise=3)
    uto.loader.ok("attach", "eachsegment", "--cgroup", uto.cgroups[CLIENT])
    uto.connect()
    uto.upload(100)
    uto.upload(100)  # acknowledged by now: the option is off the wire
    before = uto.loader.stats("eachsegment", uto.cgroups[CLIENT])["calls"]
    for _ in range(5):
        uto.upload(100)
    assert uto.loader.stats("eachsegment", uto.cgroups[CLIENT])["calls"] >= before + 5


def test_limits_changed_on_a_live_connection(uto):
    uto.attach(CLIENT, advertise=3)
    uto.attach(SERVER, l_limit=1)
    uto.connect()
    uto.upload(100)
    assert uto.timeout() == 3000
    uto.set(SERVER, l_limit=60)
    assert uto.timeout() == 60_000


def test_application_keeps_its_own_timeout(uto):
    """CHANGEABLE is false once the application has set a timeout (section 3.1)."""
    uto.attach(CLIENT, advertise=3)
    uto.attach(SERVER, l_limit=1)
    uto.connect(server_options=[[socket.SOL_TCP, TCP_USER_TIMEOUT, 12_345]])
    uto.upload(100)
    assert uto.timeout() == 12_345
    assert uto.stats(SERVER)["app_set"] > 0 and uto.stats(SERVER)["applied"] == 0


@pytest.mark.parametrize("option, counter", [
    ("1c040000", "bad_value"), ("1c048000", "bad_value"), ("1c020101", "bad_length"),
    ("1c030501", "bad_length"), ("1c0500050101", "bad_length"), ("1c0600050005", "bad_length"),
    ("1c28" + "05" * 38, "bad_length")])
def test_bad_options_are_ignored_and_counted(uto, option, counter):
    uto.attach(SERVER, l_limit=1)
    raw = uto.connect_raw()
    raw.data(options=bytes.fromhex(option), may_be_dropped=True)
    assert uto.timeout() == 0 and uto.counted(SERVER) == {counter: 1}
    raw.close()


def test_second_option_in_a_segment_is_ignored(uto):
    uto.attach(SERVER, l_limit=1)
    raw = uto.connect_raw()
    raw.data(options=bytes.fromhex("1c0400091c040005"))
    assert uto.timeout() == 9000
    assert uto.counted(SERVER) == {"received": 1, "applied": 1, "repeated": 1}
    raw.data(options=bytes.fromhex("1c04000b"))
    assert uto.timeout() == 11_000
    raw.close()


@pytest.mark.parametrize("option", ["1c", "1c00", "1c01", "1cff0005", "001c0400", "01" * 40, "4228"])
def test_headers_that_cannot_be_walked(uto, option):
    uto.attach(SERVER, l_limit=1)
    raw = uto.connect_raw()
    raw.data(options=bytes.fromhex(option), may_be_dropped=True)
    assert uto.timeout() == 0 and uto.counted(SERVER) == {}
    raw.close()


@pytest.mark.parametrize("ack", ["1c040009", "01" * 36 + "1c040009"])
def test_option_of_the_third_ack(uto, ack):
    uto.attach(SERVER, l_limit=1)
    raw = uto.connect_raw(ack=bytes.fromhex(ack))
    eventually(lambda: uto.timeout() == 9000, "value applied")
    raw.close()


def test_option_of_a_syn_is_not_heard(uto):
    """Nothing is negotiated, and there is no connection yet (section 3)."""
    uto.attach(SERVER, l_limit=1)
    raw = uto.connect_raw(syn=bytes.fromhex("1c040009"))
    raw.data()
    assert uto.timeout() == 0 and uto.counted(SERVER) == {}
    raw.close()


def test_cut_link_ends_the_connection_after_the_timeout(uto):
    """The peer's 3 s, not the kernel's quarter of an hour."""
    uto.attach(CLIENT, advertise=3)
    uto.attach(SERVER, l_limit=1)
    uto.connect()
    uto.upload(100)
    eventually(lambda: uto.timeout() == 3000, "value applied")
    uto.hosts.link("down")
    uto.server.send(uto.inn, 1000)
    error, seconds = uto.server.wait_error(uto.inn, 30)
    assert error == errno.ETIMEDOUT
    assert 2.5 < seconds < 8, seconds


def test_killed_daemon_leaves_the_program_at_work(uto):
    uto.attach(CLIENT, advertise=3)
    uto.attach(SERVER, l_limit=1)
    uto.loader.stop(signal.SIGKILL)
    uto.connect()
    uto.upload(100)
    assert uto.timeout() == 3000
    uto.loader.start()
    assert uto.stats(SERVER)["applied"] == 1


def test_cgroup_gone(uto, make_cgroup):
    """A removed cgroup takes its attachment along; others stay."""
    gone = make_cgroup("gone")
    uto.attach(CLIENT, advertise=3)
    uto.loader.tell("attach", "uto", gone, {})
    assert len(uto.loader.list()) == 2
    gone.rmdir()
    # The kernel lets go of it a moment later.
    eventually(lambda: [entry["cgroup"] for entry in uto.loader.list()] == [
        str(uto.cgroups[CLIENT])], "what went with its cgroup is not listed")
    uto.attach(SERVER, l_limit=1)
    uto.connect()
    uto.upload(100)
    assert uto.timeout() == 3000
