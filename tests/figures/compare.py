# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/experiment compare A B: two directories of results, point by point.

Says of each point of the declared experiments that both have whether B differs from A,
in a sentence. Exit status 0 whether they differ or not, 2 if there is nothing to compare.
"""
import argparse
import difflib
import pathlib
import sys

import declare
import results
import significance


def comparisons(experiment, one, other):
    """Of all points and measures of an experiment."""
    before, after = (results.read(out, experiment).values for out in (one, other))
    return [significance.Comparison(point.label(experiment.sweep), name, measure.unit, a, b,
                                    significance.p_value(a, b))
            for name, measure in experiment.measures.items() for point in experiment.points
            for a, b in [(before[name][point.key], after[name][point.key])]]


def provenance(out, name):
    about = results.about(out, name)
    return f"{about['kernel']}, seed {about['seed']}, {about['repetitions']} repetitions"


def declared_otherwise(one, other, name):
    """The lines in which the declarations differ that were measured."""
    texts = [results.about(out, name).get("declaration") for out in (one, other)]
    if None in texts:
        return ["one of them does not say how"]
    lines = list(difflib.unified_diff(*(text.splitlines() for text in texts), n=0, lineterm=""))[2:]
    return [line for line in lines if not line.startswith("@@")]


def report(experiment, one, other, alpha, every):
    name = experiment.name
    # Each measure is a question of its own; its points are corrected together.
    every_one = comparisons(experiment, one, other)
    said = [words for measure in experiment.measures for words in significance.sentences(
        [each for each in every_one if each.measure == measure], alpha)]
    differ = [words for significant, words in said if significant]
    print(f"{name}: {len(differ)} of {len(said)} comparisons differ significantly at {alpha:g}, "
          "corrected for the number of points (Holm)")
    for side, out in (("A", one), ("B", other)):
        print(f"  {side}: {out}: {provenance(out, name)}")
    if lines := declared_otherwise(one, other, name):
        print("  They were declared otherwise (- A, + B), so this is no comparison of two "
              "kernels or two programs alone:", *lines, sep="\n    ")
    for significant, words in said:
        if significant or every:
            print(f"  {words}")


def arguments(given):
    parser = argparse.ArgumentParser(prog="scripts/experiment compare",
                                     description=__doc__.split("\n\n")[1])
    parser.add_argument("one", metavar="A", type=pathlib.Path, help="a directory of results")
    parser.add_argument("other", metavar="B", type=pathlib.Path, help="another")
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT",
                        help="a name or a .toml file; default: all in both")
    parser.add_argument("--alpha", type=float, default=significance.ALPHA,
                        help="level of significance, default %(default)s")
    parser.add_argument("--different", action="store_true", help="say those that differ alone")
    return parser.parse_args(given)


def fail(words):
    print(f"scripts/experiment: {words}", file=sys.stderr)
    sys.exit(2)


def main(given):
    args = arguments(given)
    try:
        chosen = [declare.named(name) for name in args.names or declare.names()]
        both = [one for one in chosen
                if all((out / f"{one.name}.csv").exists() for out in (args.one, args.other))]
        if missing := [one.name for one in chosen if one not in both and args.names]:
            fail(f"{missing[0]} has no results in {args.one}, or none in {args.other}")
        if not both:
            fail(f"no declared experiment has results in both {args.one} and {args.other}")
    except declare.Mistake as error:
        fail(error)
    incomplete = 0
    for experiment in both:
        try:
            report(experiment, args.one, args.other, args.alpha, not args.different)
        except results.Incomplete as error:
            incomplete += 1
            print(f"{experiment.name}: not compared: {error}", file=sys.stderr)
    if incomplete == len(both) or incomplete and args.names:
        sys.exit(2)
