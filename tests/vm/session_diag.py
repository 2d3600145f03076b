#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints what sock_diag tells of the MPTCP sessions of this network namespace, as JSON:
[{"local_port": 7100, "pm": "kernel", "scheduler": "default", "closed": 0, "detail": 0}, ...]

Numbers as in <linux/inet_diag.h> and the patched <linux/mptcp.h>.
"""
import json
import socket
import struct

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
INET_DIAG_INFO, INET_DIAG_ULP_INFO, INET_ULP_INFO_MPTCP = 2, 19, 3
SESSION = {0x40: "pm", 0x41: "scheduler", 0x42: "closed", 0x43: "detail"}
STATES = ~(1 << 10)  # all but LISTEN


def attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack("=HH", data[:4])
        yield kind & 0x3fff, data[4:length]
        data = data[length + 3 & ~3:]


def session(data):
    found = {"local_port": int.from_bytes(data[4:6], "big"), "closed": 0, "detail": 0}
    for kind, ulp in attributes(data[72:]):
        for inner, value in attributes(ulp) if kind == INET_DIAG_ULP_INFO else ():
            for name, one in attributes(value) if inner == INET_ULP_INFO_MPTCP else ():
                if name in SESSION:
                    found[SESSION[name]] = (one.rstrip(b"\0").decode() if name < 0x42 else
                                            int.from_bytes(one, "little"))
    return found


def sessions(family):
    request = struct.pack("=BBBBI48x", family, 255, 1 << INET_DIAG_INFO - 1, 0,
                          STATES & 0xffffffff)
    # struct inet_diag_req_v2 has 8 bits for a protocol of 262: the attribute says it.
    request += struct.pack("=HHI", 8, 3, 262)  # INET_DIAG_REQ_PROTOCOL
    header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY,
                         NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
        netlink.send(header + request)
        while True:
            data = netlink.recv(1 << 17)
            while data:
                length, kind = struct.unpack("=IH", data[:6])
                if kind == NLMSG_ERROR:
                    raise OSError(-struct.unpack("=i", data[16:20])[0], "sock_diag")
                if kind == NLMSG_DONE:
                    return
                yield session(data[16:length])
                data = data[length + 3 & ~3:]


print(json.dumps([one for family in (socket.AF_INET, socket.AF_INET6)
                  for one in sessions(family)]))
