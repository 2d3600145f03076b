# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and check the declaration of an experiment: experiments/NAME.toml.

A mistake is reported with file, line, key and what to write instead, and all of it
before anything is booted: each point is put together here and checked as it will run.
"""
import copy
import difflib
import pathlib
import re
import string
import tomllib
from dataclasses import dataclass
from typing import Any

import expression
from kinds import COLUMNS, EVENT, EXPECT, EXPERIMENT, KINDS, LINK, REQUIRED, SERIES, VARIED
from toml_lines import Lines

HERE = pathlib.Path(__file__).resolve().parent
DIRECTORY = HERE / "experiments"
PROGRAMS = HERE.parents[1] / "bpf-progs"


class Mistake(Exception):
    """In a declaration."""


@dataclass(frozen=True)
class Point:
    """What is set up for one repetition. `x`: value of the sweep, None without one."""
    series: str
    x: Any
    links: list
    traffic: dict
    programs: dict
    sysctls: dict
    events: list

    @property
    def key(self):
        return self.series, self.x

    def label(self, sweep):
        words = [self.series] if self.series else []
        words += [f"{sweep} {self.x}"] if sweep else []
        return ", ".join(words) or "as declared"


@dataclass(frozen=True)
class Experiment:
    name: str
    about: dict  # the keys that are one for all points
    sweep: str  # its parameter, or ""
    points: list
    measures: dict
    text: str  # of the file


class Document:
    """A file, and how its mistakes are told."""

    def __init__(self, path, content):
        self.path, self.lines = path, Lines(content)

    def mistake(self, place, says, cure):
        names = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}"
                        for part in place).lstrip(".")
        raise Mistake(f"{self.path}:{self.lines.of(place)}: {names or 'the file'}: {says}; {cure}")


def close(word, words):
    """What may have been meant."""
    found = difflib.get_close_matches(word, words, 1, 0.5)
    return f"did you mean '{found[0]}'?" if found else f"there are {', '.join(words)}"


def table(document, place, data, keys):
    """A table with its defaults, or a mistake."""
    if not isinstance(data, dict):
        document.mistake(place, "is no table", "write it as one, with " + ", ".join(keys))
    for name in data:
        if name not in keys:
            document.mistake((*place, name), "no such key", close(name, list(keys)))
    result = {}
    for name, key in keys.items():
        if name not in data and key.default is REQUIRED:
            document.mistake((*place, name), "is missing", f"write {key.must}")
        result[name] = value = data.get(name, copy.deepcopy(key.default))
        if name in data:
            fits = isinstance(value, key.types) and \
                (bool in key.types or not isinstance(value, bool))
            if not fits or not key.good(value):
                document.mistake((*place, name), f"{value!r} is not right", f"write {key.must}")
    return result


def substitute(document, place, value, variables):
    """`$name` is the value itself, within a longer text its words."""
    if isinstance(value, dict):
        return {key: substitute(document, (*place, key), one, variables)
                for key, one in value.items()}
    if isinstance(value, list):
        return [substitute(document, (*place, n), one, variables) for n, one in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value
    if alone := re.fullmatch(r"\$\{?([a-z_]+)\}?", value):
        if alone[1] in variables:
            return variables[alone[1]]
    try:
        return string.Template(value).substitute(variables)
    except (KeyError, ValueError):
        document.mistake(place, f"{value!r} names no parameter of [sweep]",
                         close(value.strip("${}"), ["$" + name for name in variables])
                         if variables else "add it to [sweep], or write a value")


def merged(base, over):
    """Tables of a series go into those of the experiment; all else takes their place."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return copy.deepcopy(over)
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}


def happenings(event, end):
    """(second, what is set) of each time that an event happens before `end`."""
    times = round((end - event["at"]) / event["every"]) if event["every"] else 1
    for n in range(max(1, times)):
        yield (event["at"] + n * (event["every"] or 0),
               {key: value[n % len(value)] if isinstance(value, list) else value
                for key, value in (event["set"] or {}).items()})


class Reader:
    """One declaration."""

    def __init__(self, path, content, parameters=None):
        """`parameters`: of each program, the names that it has; None: not checked."""
        self.document, self.text = Document(path, content), content
        self.parameters = parameters
        try:
            self.data = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            raise Mistake(f"{path}:{line[1] if line else 1}: not TOML: {error}; "
                          "texts are in quotes, lists in [ ]") from None

    def read(self):
        about = table(self.document, (), self.data, EXPERIMENT)
        name, values = self.sweep(about["sweep"])
        points = [self.point(place, series, name, x)
                  for place, series in self.series(about["series"]) for x in values]
        measures = self.measures(about["measures"], points)
        self.same_ends(points)
        self.expectations(about["expect"], measures, points)
        return Experiment(pathlib.Path(self.document.path).stem, about, name, points, measures,
                          self.text)

    def sweep(self, swept):
        if not swept:
            return "", [None]
        if len(swept) > 1:
            self.document.mistake(("sweep", list(swept)[1]), "a second parameter",
                                  "sweep one, and write [[series]] for the other")
        (name, values), = swept.items()
        place = ("sweep", name)
        taken = {*COLUMNS, *(measure for kind in KINDS.values() for measure in kind.measures)}
        if not re.fullmatch("[a-z_]+", name) or name in taken:
            self.document.mistake(place, "no name for a parameter, which is a column of the CSV",
                                  f"use a-z and _, and none of {', '.join(sorted(taken))}")
        if not isinstance(values, list) or not values or not all(
                isinstance(value, (int, float, str)) for value in values):
            self.document.mistake(place, "is no list of values", f"write {name} = [1, 2, 5]")
        if len(set(values)) < len(values):
            self.document.mistake(place, "has a value twice", "leave it out")
        return name, values

    def series(self, listed):
        """(place, table) of each; one without a name if there are none."""
        names = []
        for n, one in enumerate(listed):
            place = ("series", n)
            table(self.document, place, one,
                  SERIES | {key: EXPERIMENT[key]._replace(default=None) for key in VARIED})
            if one["name"] in names:
                self.document.mistake((*place, "name"), f"{one['name']!r} is there already",
                                      "give each series a name of its own")
            names.append(one["name"])
        return [(("series", n), one) for n, one in enumerate(listed)] or [((), {"name": ""})]

    def point(self, place, series, sweep, x):
        variables = {sweep: x} if sweep else {}
        parts = {}
        for key in VARIED:
            # A mistake is where the series has it, if it has.
            where = (*place, key) if key in series else (key,)
            value = merged(self.data.get(key, EXPERIMENT[key].default), series[key]) \
                if key in series else self.data.get(key, EXPERIMENT[key].default)
            parts[key] = substitute(self.document, where, value, variables)
            parts[key] = getattr(self, "_" + key)(where, parts[key], parts)
        return Point(series["name"], x, **parts)

    def _links(self, place, links, _):
        return [table(self.document, (*place, n), link, LINK) for n, link in enumerate(links)]

    def hosts(self, parts):
        return list(dict.fromkeys(name for link in parts["links"] for name in link["between"]))

    def known(self, place, name, names, what):
        if name not in names:
            self.document.mistake(place, f"there is no {what} '{name}'", close(name, names))

    def _traffic(self, place, traffic, parts):
        kind = traffic.get("kind")
        if kind not in KINDS:
            self.document.mistake((*place, "kind"), f"{kind!r} is no kind of traffic",
                                  close(str(kind), list(KINDS)))
        rest = {key: value for key, value in traffic.items() if key != "kind"}
        result = table(self.document, place, rest, KINDS[kind].keys)
        for end in ("from", "to"):
            self.known((*place, end), result[end], self.hosts(parts), "host")
        if "opens" in result:
            self.known((*place, "opens"), result["opens"], [result["from"], result["to"]],
                       "end of the traffic")
        return {"kind": kind, **result}

    def _programs(self, place, programs, parts):
        sources = sorted(path.parent.name for path in PROGRAMS.glob("*/*.bpf.c"))
        for host, attached in programs.items():
            self.known((*place, host), host, self.hosts(parts), "host")
            self.must_be_table((*place, host), attached, "programs with their parameters")
            for name, params in attached.items():
                self.known((*place, host, name), name, sources, "program")
                self.settings((*place, host, name), name, params)
        return programs

    def must_be_table(self, place, value, of):
        if not isinstance(value, dict):
            self.document.mistake(place, f"{value!r} is no table", f"write one of {of}")

    def settings(self, place, program, params):
        """Names of parameters, where the caller knows them; tcpoptctl checks the values."""
        self.must_be_table(place, params, "parameters; {} if there are none")
        for key in params if self.parameters is not None else ():
            self.known((*place, key), key, self.parameters[program], f"parameter of {program}")

    def _sysctls(self, place, sysctls, parts):
        for host, settings in sysctls.items():
            self.known((*place, host), host, self.hosts(parts), "host")
            self.must_be_table((*place, host), settings, 'settings, as "net.ipv4.tcp_ecn" = 1')
        return sysctls

    def _events(self, place, events, parts):
        return [self.event((*place, n), event, parts) for n, event in enumerate(events)]

    def event(self, here, event, parts):
        event = table(self.document, here, event, EVENT)
        if (event["link"] is None) == (event["program"] is None):
            self.document.mistake(here, "changes neither or both of a link and a program",
                                  "write link = 1, or host and program")
        if not event["set"] and not (event["link"] and event["reset"]):
            self.document.mistake(here, "changes nothing", "write set = { ... }, or reset = true "
                                  "for the connections over a link")
        if event["program"]:
            self.known((*here, "host"), event["host"], self.hosts(parts), "host")
            self.known((*here, "program"), event["program"],
                       list(parts["programs"].get(event["host"], {})), "attached program")
            self.settings((*here, "set"), event["program"], event["set"])
        elif event["link"] > len(parts["links"]):
            self.document.mistake((*here, "link"), f"there is no link {event['link']}",
                                  f"there are {len(parts['links'])}")
        keys = {key: value._replace(default=None) for key, value in LINK.items()
                if key != "between"}
        for values in happenings(event, 1 + 1000 * bool(event["every"])) if event["link"] else ():
            table(self.document, (*here, "set"), values[1], keys)
        return event

    def measures(self, names, points):
        kinds = {point.traffic["kind"] for point in points}
        if len(kinds) > 1:
            self.document.mistake(("series",), f"traffic of {len(kinds)} kinds",
                                  "give them an experiment each")
        offered = KINDS[kinds.pop()].measures
        for name in names:
            self.known(("measures",), name, list(offered), "measure of this traffic")
            link = re.fullmatch(r"link_(\d)", name)
            if link and int(link[1]) > len(points[0].links):
                self.document.mistake(("measures",), f"{name}: there is no such link",
                                      f"there are {len(points[0].links)}")
        return {name: offered[name] for name in names}

    def same_ends(self, points):
        ends = [[link["between"] for link in point.links] for point in points]
        for point, other in zip(points, ends):
            if other != ends[0]:
                self.document.mistake(("series",), f"'{point.series}' has other links than the "
                                      "first one", "vary their rate, rtt, loss and queue alone")

    def expectations(self, expect, measures, points):
        for n, one in enumerate(expect):
            place = ("expect", n)
            one = table(self.document, place, one, EXPECT)
            expect[n] = one
            for key in ("that", "ours"):
                if not one[key]:
                    continue
                try:
                    expression.check(one[key], list(measures), [point.key for point in points])
                except (expression.Unknown, SyntaxError, TypeError) as error:
                    self.document.mistake((*place, key), f"{one[key]!r}: {error}",
                                          f"write {EXPECT['that'].must}")


def read(path, parameters=None):
    """The Experiment of a file, or a Mistake."""
    path = pathlib.Path(path)
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from None
    shown = path.relative_to(HERE.parents[1]) if path.is_relative_to(HERE.parents[1]) else path
    return Reader(str(shown), content, parameters).read()


def names():
    return sorted(path.stem for path in DIRECTORY.glob("*.toml"))


def named(name, parameters=None):
    """Of experiments/, or the file of this name if it ends in .toml."""
    return read(name if name.endswith(".toml") else DIRECTORY / f"{name}.toml", parameters)
