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
    texts = [results.about(out, name).get("declaration", "").splitlines() for out in (one, other)]
    lines = list(difflib.unified_diff(*texts, n=0, lineterm=""))[2:]
    return [line for line in lines if not line.startswith("@@")]


def report(name, one, other, alpha, every):
    experiment = declare.named(name)
    said = significance.sentences(comparisons(experiment, one, other), alpha)
    differ = [words for significant, words in said if significant]
    print(f"{name}: {len(differ)} of {len(said)} comparisons differ significantly at {alpha:g}, "
          "corrected for their number (Holm)")
    for side, out in (("A", one), ("B", other)):
        print(f"  {side}: {out}: {provenance(out, name)}")
    if lines := declared_otherwise(one, other, name):
        print("  They were declared otherwise (- A, + B), so this is no comparison of two kernels or "
              "two programs alone:", *lines, sep="\n    ")
    for significant, words in said:
        if significant or every:
            print(f"  {words}")


def main(arguments):
    parser = argparse.ArgumentParser(prog="scripts/experiment compare",
                                     description=__doc__.split("\n\n")[1])
    parser.add_argument("one", metavar="A", type=pathlib.Path, help="a directory of results")
    parser.add_argument("other", metavar="B", type=pathlib.Path, help="another")
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help="default: all in both")
    parser.add_argument("--alpha", type=float, default=significance.ALPHA,
                        help="level of significance, default %(default)s")
    parser.add_argument("--different", action="store_true", help="say those that differ alone")
    args = parser.parse_args(arguments)
    both = [name for name in declare.names()
            if all((out / f"{name}.csv").exists() for out in (args.one, args.other))]
    if missing := set(args.names) - set(both):
        parser.error(f"'{missing.pop()}' is no declared experiment with results in both")
    if not both:
        parser.error(f"no declared experiment has results in both {args.one} and {args.other}")
    for name in args.names or both:
        try:
            report(name, args.one, args.other, args.alpha, not args.different)
        except results.Incomplete as error:
            sys.exit(f"scripts/experiment: {error}")
