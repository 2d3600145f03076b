# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw a declared experiment, and judge what is expected of it.

A panel for each measure: over the sweep if that is of numbers, over the time of a
repetition if the measure is sampled and the sweep is not of numbers, else a box for
each point. Lines are medians of the repetitions, shades their quartiles, and dotted
ones the events.
"""
import statistics

import declare
import expression
import results
from matplotlib import pyplot
from page import Verdict


def is_axis(experiment):
    return bool(experiment.sweep) and all(
        isinstance(point.x, (int, float)) for point in experiment.points)


def shaded(axes, across, runs, label):
    """`runs`: at each place of `across` the values of the repetitions."""
    low, middle, high = zip(*map(results.quartiles, runs))
    line, = axes.plot(across, middle, label=label, marker="." if len(across) < 30 else None)
    axes.fill_between(across, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def over_sweep(axes, experiment, values):
    for series in dict.fromkeys(point.series for point in experiment.points):
        points = sorted((point for point in experiment.points if point.series == series),
                        key=lambda point: point.x)
        shaded(axes, [point.x for point in points], [values[point.key] for point in points],
               series or None)
    axes.set_xlabel(experiment.sweep.replace("_", " "))
    numbers = sorted({point.x for point in experiment.points})
    if numbers[0] > 0 and numbers[-1] >= 10 * numbers[0]:
        axes.set_xscale("log")
        axes.set_xticks(numbers, map(str, numbers))
        axes.minorticks_off()


def over_time(axes, experiment, samples):
    for point in experiment.points:
        at = {}
        for repetition in samples[point.key]:
            for second, value in repetition:
                at.setdefault(second, []).append(value)
        shaded(axes, sorted(at), [at[second] for second in sorted(at)], short(experiment, point))
    for event in experiment.points[0].events:
        for second, _ in declare.happenings(event, experiment.points[0].traffic["seconds"]):
            axes.axvline(second, color="grey", linestyle=":", linewidth=0.8)
    axes.set_xlabel("seconds")


def short(experiment, point):
    words = [str(word) for word in point.key if word not in ("", None)]
    return " ".join(words) or experiment.name


def boxes(axes, experiment, values):
    axes.boxplot([values[point.key] for point in experiment.points], whis=(0, 100),
                 labels=[short(experiment, point) for point in experiment.points])


def draw(out, experiment, found):
    names = list(experiment.measures)
    figure = pyplot.figure(figsize=(8, 1 + 3 * len(names)), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names):
        if is_axis(experiment):
            over_sweep(axes, experiment, found.values[name])
        elif name in found.samples:
            over_time(axes, experiment, found.samples[name])
        else:
            boxes(axes, experiment, found.values[name])
        measure = experiment.measures[name]
        axes.set_ylabel(f"{name.replace('_', ' ')}{', ' if measure.unit else ''}{measure.unit}")
        axes.set_title(measure.says, fontsize="small")
        axes.set_ylim(0, 1.04 * axes.get_ylim()[1])
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize="small")
    figure.savefig(out / f"{experiment.name}.png", dpi=120)
    figure.savefig(out / f"{experiment.name}.svg", metadata={"Date": None})
    pyplot.close(figure)


def judge(experiment, found):
    """A Verdict of each expectation."""
    tables = {name: expression.Table(name, values, statistics.median)
              for name, values in found.values.items()}

    def during(table, point, begin, end):
        return statistics.median(value for repetition in found.samples[table.name][point]
                                 for second, value in repetition if begin <= second < end)

    def counted(point, *what):
        """A counter that did not move is not among the results."""
        runs = found.counters.get((point, what), [])
        return min(runs) if len(runs) == len(next(iter(found.values.values()))[point]) else 0

    def value(words):
        return expression.evaluate(words, tables, during, counted)
    return [Verdict(one["says"], bool(value(one["that"])), one["published"],
                    f"{value(one['ours']):.3g}" if one["ours"] else "", one["differs"])
            for one in experiment.about["expect"]]


def sentences(experiment, found):
    """The medians and quartiles of what has few points; a table in the CSV has all."""
    if len(experiment.points) > 8:
        return []
    said = []
    for name, measure in experiment.measures.items():
        parts = [f"{short(experiment, point)} {middle:.4g} ({low:.4g} to {high:.4g})"
                 for point in experiment.points
                 for low, middle, high in [results.quartiles(found.values[name][point.key])]]
        unit = f", {measure.unit}" if measure.unit else ""
        said.append(f"{name.replace('_', ' ').capitalize()}{unit}: {'; '.join(parts)}.")
    return said


def make(out, experiment):
    """Files of the figure; the sentences and the verdicts."""
    found = results.read(out, experiment)
    results.write_quartiles(out, experiment, found)
    draw(out, experiment, found)
    return sentences(experiment, found), judge(experiment, found)
