# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of a declared experiment's results.

NAME.csv has every repetition, NAME-samples.csv what was measured over its time,
NAME-counters.csv what the programs counted, NAME-quartiles.csv what the figure shows,
NAME.json what it was measured on.
"""
import csv
import json
import statistics
from typing import NamedTuple

SERIES, REPETITION = "series", "repetition"


class Results(NamedTuple):
    values: dict  # {measure: {(series, x): [one of each repetition]}}
    samples: dict  # {measure: {(series, x): [[(second, value)...] of each repetition]}}
    counters: dict  # {((series, x), (host, program, counter)): [one of each repetition]}


def quartiles(values):
    """First, second and third, inclusive: those of one value are that value."""
    if len(values) == 1:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def header(experiment):
    return [SERIES, *([experiment.sweep] if experiment.sweep else []), REPETITION]


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, lines):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def start(point, sweep):
    return [point.series, *([point.x] if sweep else [])]


def write_measured(out, experiment, measured):
    """`measured`: (point, repetition, {measure: value}, samples, counters), as they ran."""
    order = {point.key: number for number, point in enumerate(experiment.points)}
    measured = sorted(measured, key=lambda one: (order[one[0].key], one[1]))
    names = list(experiment.measures)
    lines = [[*header(experiment), *names]]
    sampled = [[*header(experiment), "seconds", "measure", "value"]]
    counted = [[*header(experiment), "host", "program", "counter", "value"]]
    for point, repetition, values, samples, counters in measured:
        first = [*start(point, experiment.sweep), repetition]
        lines.append([*first, *(f"{values[name]:.6g}" for name in names)])
        sampled += [[*first, f"{second:.6g}", name, f"{value:.6g}"]
                    for second, name, value in samples if name in names]
        counted += [[*first, *one] for one in counters]
    write(out / f"{experiment.name}.csv", lines)
    write(out / f"{experiment.name}-counters.csv", counted)
    if len(sampled) > 1:
        write(out / f"{experiment.name}-samples.csv", sampled)


def write_quartiles(out, experiment, results):
    lines = [[*header(experiment)[:-1], "measure", "unit", "repetitions",
              "minimum", "quartile_1", "median", "quartile_3", "maximum"]]
    for point in experiment.points:
        for name, measure in experiment.measures.items():
            values = results.values[name][point.key]
            numbers = [min(values), *quartiles(values), max(values)]
            lines.append([*start(point, experiment.sweep), name, measure.unit, len(values),
                          *(f"{number:.6g}" for number in numbers)])
    write(out / f"{experiment.name}-quartiles.csv", lines)


class Incomplete(Exception):
    """The results are not those of the declaration as it is now."""


def read(out, experiment):
    """The Results of the points that are declared."""
    points = {tuple(map(str, start(point, experiment.sweep))): point.key
              for point in experiment.points}
    columns = header(experiment)[:-1]
    values = {name: {point.key: [] for point in experiment.points} for name in experiment.measures}
    samples = {name: {} for name in experiment.measures}

    def key(row):
        found = tuple(row.get(column) for column in columns)
        if found not in points:
            raise Incomplete(f"{experiment.name}.csv has {' '.join(map(str, found))}, which is "
                             "not declared (any more): measure it again")
        return points[found]

    for row in rows(out / f"{experiment.name}.csv"):
        for name in experiment.measures:
            if name not in row:
                raise Incomplete(f"{experiment.name}.csv lacks {name}: measure it again")
            values[name][key(row)].append(float(row[name]))
    if missing := [one for one, found in next(iter(values.values())).items() if not found]:
        raise Incomplete(f"{experiment.name}.csv lacks {missing[0]}: measure it again")
    counters = {}
    for row in rows(out / f"{experiment.name}-counters.csv"):
        what = tuple(row[column] for column in ("host", "program", "counter"))
        counters.setdefault((key(row), what), []).append(int(row["value"]))
    path = out / f"{experiment.name}-samples.csv"
    for row in rows(path) if path.exists() else []:
        if row["measure"] in samples:
            runs = samples[row["measure"]].setdefault(key(row), {})
            runs.setdefault(row[REPETITION], []).append(
                (float(row["seconds"]), float(row["value"])))
    return Results(values, {name: {point: list(runs.values()) for point, runs in found.items()}
                            for name, found in samples.items() if found}, counters)


def about(out, name):
    return json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
