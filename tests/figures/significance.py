# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether two sets of repetitions differ: a rank test, and how large the effect is.

Mann-Whitney's U, two-sided, which assumes no distribution, and is exact for the few
repetitions there are unless values are the same. Cliff's delta: how much more often one
of B is above one of A than below, -1 to 1. Holm's correction, as some of many
comparisons would look significant by chance.
"""
import math
import statistics
from typing import NamedTuple

ALPHA = 0.05
# Romano et al. 2006
EFFECTS = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"), (math.inf, "large"))


class Comparison(NamedTuple):
    point: str
    measure: str
    unit: str
    before: list
    after: list
    p: float


def p_value(before, after):
    from scipy import stats  # only here is it needed
    return float(stats.mannwhitneyu(before, after, alternative="two-sided").pvalue)


def cliffs_delta(before, after):
    return sum((b > a) - (b < a) for a in before for b in after) / (len(before) * len(after))


def effect(delta):
    return next(word for limit, word in EFFECTS if abs(delta) < limit)


def holm(values):
    """Corrected p-values, in the order that they came in."""
    corrected, least = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = max(least, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = least
    return corrected


def least_p(before, after):
    """What the test says when all of one are above all of the other."""
    return 2 / math.comb(before + after, before)


def enough(comparisons, alpha=ALPHA):
    """Repetitions of each with which the clearest difference would be significant."""
    return next(n for n in range(1, 100) if comparisons * least_p(n, n) < alpha)


def change(before, after):
    """Of the medians, in words."""
    if before == after:
        return "the same"
    if not before:
        return "higher" if after > 0 else "lower"
    part = 100 * abs(after / before - 1)
    return f"{f'{part:.0f}' if part >= 10 else f'{part:.2g}'} % " + \
        ("higher" if after > before else "lower")


def sentence(one, corrected, count, alpha=ALPHA):
    """What is to be said of one of `count` comparisons."""
    medians = statistics.median(one.before), statistics.median(one.after)
    delta, sizes = cliffs_delta(one.before, one.after), (len(one.before), len(one.after))
    if corrected < alpha:
        verdict = "a significant difference"
    elif count * least_p(*sizes) >= alpha:
        verdict = (f"too few repetitions for any verdict on {count} comparisons, it takes "
                   f"{enough(count, alpha)} each")
    else:
        verdict = "no significant difference"
    unit = f" {one.unit}" if one.unit else ""
    return (f"{one.point}: {one.measure} is {change(*medians)} in B (median {medians[0]:.4g} and "
            f"{medians[1]:.4g}{unit}), {verdict} (Mann-Whitney p = {one.p:.2g}, corrected "
            f"{corrected:.2g}; Cliff's delta {delta:+.2f}, {effect(delta)}; {sizes[0]} and "
            f"{sizes[1]} repetitions)")


def sentences(comparisons, alpha=ALPHA):
    """(significant, words) of each; all of them are corrected together."""
    corrected = holm([one.p for one in comparisons])
    return [(p < alpha, sentence(one, p, len(comparisons), alpha))
            for one, p in zip(comparisons, corrected)]
