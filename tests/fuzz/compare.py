# SPDX-License-Identifier: GPL-2.0-or-later
"""What two kernels made of the same exchanges, and what may differ between them."""
import json

from exchange import KIND, exchange

# Stock, and patched without a program, are the same in every byte and counter. With
# a program what the kernel sends bears an option. That, and what it costs, may differ:
# the segment may be shorter, and headers are not what was predicted.
COUNTERS = {"TCPHPHits", "TCPPureAcks", "TCPHPAcks"}
INFO = {"snd_mss"}
PADDING = ([0], [1])


def without_program(found):
    """A transcript as it would be if the options of a program were not there."""
    def answer(a):
        flags, seq, ack, window, urgent, options, *data = a
        return [flags, seq, ack, window, urgent,
                [o for o in options if o[0] != KIND and o not in PADDING], *data]

    def step(value):
        """An answer, or a list of what has answers somewhere in it."""
        if not isinstance(value, list):
            return value
        if len(value) == 8 and isinstance(value[0], int):
            return answer(value)
        return [step(v) for v in value]

    result = {"index": found["index"], "events": step(found["events"]),
              "end": {key: step(v) for key, v in found["end"].items()},
              "counters": {k: v for k, v in found["counters"].items() if k not in COUNTERS}}
    if isinstance(found["end"].get("info"), dict):
        result["end"]["info"] = {k: v for k, v in found["end"]["info"].items() if k not in INFO}
    return result


def carried(found):
    """How many segments of the kernel bore the programs' option."""
    return json.dumps(found["events"]).count(f"[{KIND},")


def lines(path):
    with open(path, encoding="ascii") as file:
        yield from file


def differences(stock, other, programs):
    """Pairs of transcripts that differ, and what was compared: (exchanges, options)."""
    found, count, options = [], 0, 0
    for one, two in zip(lines(stock), lines(other), strict=True):
        count += 1
        if not programs:
            if one != two:
                found.append((json.loads(one), json.loads(two)))
            continue
        one, two = json.loads(one), json.loads(two)
        options += carried(two)
        if without_program(one) != without_program(two):
            found.append((without_program(one), without_program(two)))
    return found, count, options


def described(seed, stock, other, name):
    """The exchange, and at each place where they differ what each kernel did."""
    one = exchange(seed, stock["index"])
    text = [f"exchange {one['index']}: IPv{one['family']}, {one['how']}, {one['way']}"]
    for number, event in enumerate(one["events"]):
        text.append(f"  {number}: {event}")
        mine, its = stock["events"][number], other["events"][number]
        if mine != its:
            text += [f"     stock: {mine}", f"     {name}: {its}"]
    for part in ("end", "counters"):
        for key in sorted(stock[part].keys() | other[part].keys()):
            mine, its = stock[part].get(key), other[part].get(key)
            if mine != its:
                text.append(f"  {part}, {key}: stock {mine}, {name} {its}")
    return "\n".join(text)


