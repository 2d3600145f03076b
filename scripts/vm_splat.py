# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds what a kernel says on its console when something went wrong in it."""

import re

# Each alternative is how one of the kernel's reports begins. The time stamp is
# asked for: only the kernel's own lines have one.
_STAMP = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[[ CT\d]+\])? ?(.*)")
_SPLAT = re.compile(
    r"""
      WARNING:                            # WARN_ON, lockdep, suspicious RCU usage
    | BUG:                                # KASAN, NULL pointer, sleeping function,
                                          # soft lockup, workqueue lockup, bad page
    | kernel\ BUG\ at
    | Oops(?::|\s)
    | (?:KASAN|UBSAN|KFENCE|KCSAN|ODEBUG|DEBUG_LOCKS_WARN_ON)\b
    | general\ protection\ fault
    | (?:stack\ segment|double\ fault|invalid\ opcode|divide\ error|int3):
    | (?:[Uu]nable\ to\ handle)
    | Kernel\ panic
    | INFO:\ task\ .*\ blocked\ for\ more\ than
    | INFO:\ (?:rcu|trying\ to\ register\ non-static\ key|possible)
    | rcu:\ INFO:\ .*stall
    | (?:possible\ (?:circular|recursive|irq|deadlock|unsafe))
    | suspicious\ RCU\ usage
    | sleeping\ function\ called
    | (?:watchdog:\ .*)?(?:soft|hard)\ (?:lockup|LOCKUP)
    | (?:list_(?:add|del)|slab)\ corruption
    | refcount_t:
    | ref_tracker:\ .*(?:has|leaked|reference)
    | unregister_netdevice:\ waiting\ for
    | kmemleak:\ [1-9]\d*\ new\ suspected
    | unreferenced\ object\ 0x
    | Call\ Trace:
    """,
    re.VERBOSE,
)


def find_splat(console, lines=60):
    """The first report in the console's text, some lines long, or None."""
    log = console.replace("\r", "").split("\n")
    for number, line in enumerate(log):
        stamped = _STAMP.match(line)
        # `unreferenced object` comes from a file that vm-init copies, unstamped.
        text = stamped.group(1) if stamped else line
        if not stamped and not text.startswith("unreferenced object"):
            continue
        if _SPLAT.match(text) or re.search(r"general protection fault|blocked for more than", text):
            start = max(0, number - 1) if "cut here" in log[number - 1] else number
            return log[start : start + lines]
    return None
