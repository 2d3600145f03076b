# SPDX-License-Identifier: GPL-2.0-or-later
"""The numbers that BPF programs are compiled with are those of the kernel.

Debian's <linux/bpf.h> does not know what kernel-patches/ add, so that
bpf-progs/ have them again.
"""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEADERS = ["tcpopt.bpf.h", "tcpopt_mptcp.h", "tcpopt_mptcp_option.h"]
# Names of the programs' side only, or of the kernel without its UAPI.
OTHER_NAMES = {
    "BPF_MPTCP_SUBFLOWS_MAX": "MPTCP_BPF_SUBFLOWS_MAX",
    "BPF_MPTCP_SUBFLOW_EVENT": None,  # U32_MAX in the kernel-doc
    "BPF_MPTCP_OPTION_PRIVATE": "MPTCPOPT_PRIVATE",
}


def number(text):
    return eval(text, {})  # "0xc0", "(1 << 16)": our own headers


def kernel_numbers():
    """Enumerators and macros that the series adds; of one name the last patch's."""
    numbers = {}
    for patch in sorted((ROOT / "kernel-patches/6.12").glob("*.patch")):
        for line in patch.read_text().splitlines():
            m = re.match(r"\+\s*(?:#define\s+)?(\w+)\s*=?\s*\(?(0x[0-9a-f]+|\d+(?:\s*<<\s*\d+)?)\)?\s*(?:,|/|$)", line)
            if m:
                numbers[m[1]] = number(m[2])
    return numbers


def program_numbers(header):
    text = (ROOT / "bpf-progs" / header).read_text()
    for m in re.finditer(r"^#define ((?:TCP_)?BPF_\w+) (0x[0-9a-f]+|\d+|\(1 << \d+\)|\(~0U\))", text, re.M):
        yield m[1], m[2]


@pytest.mark.parametrize("header", HEADERS)
def test_numbers_are_the_kernels(header):
    kernel = kernel_numbers()
    compared = 0
    for name, text in program_numbers(header):
        theirs = OTHER_NAMES.get(name, name)
        if theirs is None or name == "TCP_BPF_SOCK_OPS_CB_FLAGS":  # upstream's
            continue
        assert theirs in kernel, f"{name} is in no patch"
        assert kernel[theirs] == number(text), name
        compared += 1
    assert compared > 10
