# SPDX-License-Identifier: GPL-2.0-or-later
"""Declarations of experiments: what is read, and how mistakes are told."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/figures"))
import declare
import expression
import guest
import kinds
import results
from toml_lines import Lines

SMALL = '''title = "a"
figure = "new"
reported = "b"
different = "c"
measures = ["throughput"]
[[links]]
rate = "8mbit"
rtt = "$path"
[traffic]
kind = "bulk"
seconds = 1
[programs.client]
cc = { request = "bbr" }
[sweep]
path = [10, 20]
[[series]]
name = "one"
[[series]]
name = "two"
programs.client.cc.request = "vegas"
links = [{ rate = "1mbit", rtt = "$path" }]
[[expect]]
says = "d"
that = "throughput['one', 10] > throughput['two', 20]"
'''


def read(text, parameters=None):
    return declare.Reader("x.toml", text, parameters).read()


def test_all_that_are_declared():
    assert declare.names()
    for name in declare.names():
        assert declare.named(name).points, name


def test_points_are_sweep_and_series():
    experiment = read(SMALL)
    assert [point.key for point in experiment.points] == [
        ("one", 10), ("one", 20), ("two", 10), ("two", 20)]
    one, two = experiment.points[1], experiment.points[2]
    assert one.links[0]["rtt"] == 20 and one.links[0]["between"] == ["client", "server"]
    assert one.programs["client"]["cc"] == {"request": "bbr"}
    assert two.programs["client"]["cc"] == {"request": "vegas"}
    assert two.links[0]["rate"] == "1mbit" and two.links[0]["rtt"] == 10
    assert one.label("path") == "one, path 20"


def test_a_parameter_within_a_text():
    text = SMALL.replace('rate = "8mbit"', 'rate = "${path}mbit"')
    assert [point.links[0]["rate"] for point in read(text).points[:2]] == ["10mbit", "20mbit"]


MISTAKES = [
    # what is written instead of what, line, key, cure
    ('rate = "8mbit"', 'rat = "8mbit"', 7, "links[1].rat", "did you mean 'rate'?"),
    ('rate = "8mbit"', 'rate = "8 Mbps"', 7, "links[1].rate", 'write a rate as "8mbit"'),
    ('rtt = "$path"\n[tr', 'rtt = "$pat"\n[tr', 8, "links[1].rtt", "did you mean '$path'?"),
    ('rtt = "$path"\n[tr', 'rtt = -1\n[tr', 8, "links[1].rtt", "milliseconds"),
    ('rtt = "$path"\n[tr', 'rtt = true\n[tr', 8, "links[1].rtt", "milliseconds"),
    ('rtt = "$path"\n[tr', 'loss = 101\n[tr', 8, "links[1].loss", "percent"),
    ('rtt = "$path"\n[tr', 'between = ["client", "client"]\n[tr', 8, "links[1].between",
     "two hosts"),
    ('kind = "bulk"', 'kind = "bull"', 10, "traffic.kind", "did you mean 'bulk'?"),
    ('seconds = 1', '', 9, "traffic.seconds", "write seconds"),
    ('seconds = 1', 'seconds = 1\nto = "clint"', 12, "traffic.to", "did you mean 'client'?"),
    ('seconds = 1', 'seconds = 1\nopens = "other"', 12, "traffic.opens", "server, client"),
    ('[programs.client]', '[programs.cleint]', 12, "programs.cleint", "did you mean 'client'?"),
    ('cc = {', 'dd = {', 13, "programs.client.dd", "there are cc, delack"),
    ('cc = {', 'cd = {', 13, "programs.client.cd", "did you mean 'cc'?"),
    ('{ request = "bbr" }', '{ reqest = "bbr" }', 13, "programs.client.cc.reqest",
     "did you mean 'request'?"),
    ('cc = { request = "bbr" }', 'cc = 1', 13, "programs.client.cc", "parameters"),
    ('[10, 20]', '10', 15, "sweep.path", "write path = [1, 2, 5]"),
    ('[10, 20]', '[10, 10]', 15, "sweep.path", "leave it out"),
    ('[10, 20]', '[10, 20]\nmore = [1]', 16, "sweep.more", "[[series]]"),
    ('path = [10, 20]', 'rtt = [10, 20]', 15, "sweep.rtt", "none of acks"),
    ('name = "two"', 'name = "one"', 19, "series[2].name", "a name of its own"),
    ('name = "two"', 'name = "two"\nmeasures = []', 20, "series[2].measures", "there are name"),
    ('"1mbit"', '"1megabit"', 21, "series[2].links[1].rate", 'as "8mbit"'),
    ("['two', 20]", "['two', 30]", 24, "expect[1].that", "('two', 20)"),
    ("['two', 20]", "['two', 20] and rtt > 1", 24, "expect[1].that", "there is no measure 'rtt'"),
    ("['two', 20]\"", "['two', 20] or throughput['three', 10]\"", 24, "expect[1].that", "no such"),
    # The first part is false where all are the same.
    ("['two', 20]\"", "['two', 20] and throughput['three', 10] > 1\"", 24, "expect[1].that",
     "no such"),
    ("throughput['one', 10] >", "counted(('one', 10), 'server', 'cc') >", 24, "expect[1].that",
     "missing 1 required"),
    ("throughput['one', 10] >", "__import__('os') >", 24, "expect[1].that", "no measure"),
    ("throughput['one', 10] >", "throughput.__class__ >", 24, "expect[1].that", "no comparison"),
    ("throughput['one', 10] >", "throughput['one', 10] >>>", 24, "expect[1].that", "invalid"),
    ('"throughput"]', '"thruput"]', 5, "measures", "did you mean 'throughput'?"),
    ('figure = "new"', 'figure = ""', 2, "figure", "as \"netdev 5\""),
    ('title = "a"', 'title = ""', 1, "title", "a sentence"),
    ('title = "a"', 'titel = "a"', 1, "titel", "did you mean 'title'?"),
    ('title = "a"', 'title = "a"\nrepetitions = 0', 2, "repetitions", "from 1 to 1000"),
    ('title = "a"', 'title = a', 1, "not TOML", "in quotes"),
    ('[[expect]]', '[[events]]\nat = 1\nset = { rtt = 5 }\n[[expect]]', 22, "events[1]",
     "write link = 1"),
    ('[[expect]]', '[[events]]\nat = 1\nevery = 1\nlink = 1\nset.rtt = [5, -5]\n[[expect]]', 26,
     "events[1].set.rtt", "milliseconds"),
    ('[[expect]]', '[[events]]\nat = 1\nlink = 1\n[[expect]]', 22, "events[1]", "reset = true"),
    ('"throughput"]', '"throughput", "link_2"]', 5, "measures", "there are 1"),
    ('[[expect]]', '[[events]]\nat = 1\nlink = 2\nset = { rtt = 5 }\n[[expect]]', 24,
     "events[1].link", "there are 1"),
    ('[[expect]]', '[[events]]\nat = 1\nlink = 1\nset = { delay = 5 }\n[[expect]]', 25,
     "events[1].set.delay", "there are rate"),
    ('[[expect]]', '[[events]]\nat = 1\nhost = "client"\nprogram = "iw"\nset = { window = 5 }\n'
     '[[expect]]', 25, "events[1].program", "there are cc"),
]


@pytest.mark.parametrize("old, new, line, key, cure", MISTAKES,
                         ids=[f"{key}-{n}" for n, (*_, key, _) in enumerate(MISTAKES)])
def test_a_mistake_names_line_key_and_cure(old, new, line, key, cure):
    assert SMALL.count(old) == 1
    with pytest.raises(declare.Mistake) as told:
        read(SMALL.replace(old, new), {"cc": ["request", "allow"], "iw": ["window"]})
    words = str(told.value)
    assert words.startswith(f"x.toml:{line}: {key}: ") and cure in words, words


def test_events_that_are_repeated():
    event = {"at": 2, "every": 2, "set": {"rtt": [1, 2], "loss": 5}}
    assert list(declare.happenings(event, 8)) == [
        (2, {"rtt": 1, "loss": 5}), (4, {"rtt": 2, "loss": 5}), (6, {"rtt": 1, "loss": 5})]
    assert list(declare.happenings({"at": 9, "every": None, "set": None}, 8)) == [(9, {})]


def test_other_links_of_a_series():
    text = SMALL.replace('[{ rate = "1mbit", rtt = "$path" }]', '[{ between = ["client", "far"] }]')
    text = text.replace("[traffic]", '[traffic]\nfrom = "client"\nto = "client"')
    with pytest.raises(declare.Mistake, match="other links than the first"):
        read(text)


def test_a_file_that_is_not_there():
    with pytest.raises(declare.Mistake, match="nowhere.toml: No such file"):
        declare.named("nowhere.toml")


def test_lines_of_nested_tables_and_long_texts():
    lines = Lines('a = """\nb = 1\n"""\n[[links]]\n[[links]]\nrtt = 1\nx.y = 2\n'
                  '[programs.client.cc]\nrequest = 1\n[[s]]\n[s.t]\nu = 1\n')
    assert [lines.of(path) for path in (
        ("a",), ("b",), ("links", 1, "rtt"), ("links", 1, "x", "y"), ("links", 0, "rtt"),
        ("programs", "client", "cc", "request"), ("s", 0, "t", "u"), ("nothing",))] == \
        [1, 1, 6, 7, 4, 9, 12, 1]


def test_the_command_tells_a_mistake_without_a_machine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SMALL.replace("seconds = 1", "secnds = 1"))
    done = subprocess.run([ROOT / "scripts/experiment", "check", path], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(rf"{path}:11: traffic.secnds: no such key; did you mean 'seconds'\?\n",
                        done.stderr)


@pytest.mark.parametrize("given, words", [
    (["nothing"], "no experiment 'nothing'; there are idle-timeout, calibration"),
    (["--repetitions", "0"], "'0' is no number from 1 to 1000"),
    (["netdev-5", "--plot-only"], "netdev-5 was not measured yet")])
def test_the_command_refuses(tmp_path, given, words):
    done = subprocess.run([ROOT / "tests/figures/run", "--out", tmp_path / "out", *given],
                          capture_output=True, text=True, check=False)
    assert done.returncode and words in done.stderr and "Traceback" not in done.stderr


TABLES = {"rtt": expression.Table("rtt", {("", "bbr"): [1, 2, 9], ("", "reno"): [4, 1, 10]}, max)}


def test_expressions():
    def evaluate(words):
        return expression.evaluate(words, TABLES, lambda *asked: asked, lambda *asked: asked)
    assert evaluate("rtt['bbr'] < rtt['reno']") is True
    assert evaluate("max(rtt['bbr'], rtt['reno']) * 2 == 20") is True
    assert evaluate("wins(rtt, 'bbr', 'reno')") == pytest.approx(2 / 3)
    assert evaluate("during(rtt, 'bbr', 1, 5)") == (TABLES["rtt"], ("", "bbr"), 1, 5)
    assert evaluate("counted('bbr', 'server', 'cc', 'applied')") == \
        (("", "bbr"), "server", "cc", "applied")
    for words in ("rtt['vegas']", "counted('vegas', 'server', 'cc', 'applied')"):
        with pytest.raises(expression.Unknown, match="no such point"):
            evaluate(words)


def test_order_is_mixed_by_the_seed_and_complete():
    experiment = read(SMALL)
    one, same, other = (list(guest.schedule(experiment, 20, seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert len(one) == 80 and all(
        {point.key for turn, point in one if turn == n} == {p.key for p in experiment.points}
        for n in range(1, 21))


def measured(experiment):
    for repetition in (1, 2, 3):
        for n, point in enumerate(experiment.points[::-1]):
            yield (point, repetition, {"throughput": 10 * n + repetition},
                   [(0.5, "throughput", n), (0.5, "rtt", 7)], [("client", "cc", "applied", 1)])


def test_results_are_read_as_written(tmp_path):
    experiment = read(SMALL)
    results.write_measured(tmp_path, experiment, list(measured(experiment)))
    assert (tmp_path / "x.csv").read_text().splitlines()[:2] == [
        "series,path,repetition,throughput", "one,10,1,31"]
    found = results.read(tmp_path, experiment)
    assert found.values["throughput"]["two", 20] == [1, 2, 3]
    assert found.samples == {"throughput": {point.key: [[(0.5, n)]] * 3 for n, point in
                                            enumerate(experiment.points[::-1])}}
    assert found.counters == {(point.key, ("client", "cc", "applied")): [1, 1, 1]
                              for point in experiment.points}
    results.write_quartiles(tmp_path, experiment, found)
    assert (tmp_path / "x-quartiles.csv").read_text().splitlines()[-1] == \
        "two,20,throughput,Mbit/s,3,1,1.5,2,2.5,3"


def test_results_of_another_declaration_are_refused(tmp_path):
    results.write_measured(tmp_path, read(SMALL), list(measured(read(SMALL))))
    for old, new, words in (("[10, 20]", "[10, 30, 20]", "lacks"),
                            ("[10, 20]", "[20, 5]", "which is not declared"),
                            ('"throughput"]', '"throughput", "rtt"]', "lacks rtt")):
        text = SMALL.replace(old, new).replace("throughput['one', 10] > throughput['two', 20]",
                                               "1 < 2")
        with pytest.raises(results.Incomplete, match=words):
            results.read(tmp_path, read(text))


@pytest.mark.parametrize("values, expected", [
    ([5], [5, 5, 5]), ([1, 2], [1.25, 1.5, 1.75]), ([4, 1, 3, 2, 5], [2, 3, 4])])
def test_quartiles(values, expected):
    assert results.quartiles(values) == expected


GUIDE = ROOT / "tests/figures/experiments/README.md"


def test_the_example_of_twenty_lines(tmp_path):
    lines = [line[4:] for line in GUIDE.read_text().splitlines()
             if line.startswith("    ") and not line.startswith("    scripts/")]
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(lines))
    assert len(declare.read(path).points) == 4 and len(lines) <= 20


def test_what_a_newcomer_reads_names_every_key():
    words = GUIDE.read_text()
    keys = [*kinds.EXPERIMENT, *kinds.LINK, *kinds.EVENT, *kinds.EXPECT, *kinds.KINDS]
    for kind in kinds.KINDS.values():
        keys += [*kind.keys, *kind.measures]
    # One row for those that are numbered.
    keys = {key for key in keys if key not in ("link_2", "link_3")}
    assert sorted(key for key in keys if f"`{key}`" not in words) == []


def test_the_page(tmp_path):
    import page
    (tmp_path / "x.json").write_text(
        '{"kernel": "6.12", "busy": 0.5, "seed": 7, "repetitions": 3}')
    for name in ("x.csv", "x.svg", "x-quartiles.csv", "x-other.csv"):
        (tmp_path / name).write_text("")
    page.write(tmp_path, [page.Section("x", "a < b", "netdev 5", "much", "", ["As seen."], [
        page.Verdict("holds", True, "80 ms", "81", "not said"),
        page.Verdict("does not", False, differs="a reason")])])
    words = (tmp_path / "index.html").read_text()
    for wanted in ("a &lt; b", "(netdev 5)", "<b>Reported:</b> much", "As seen.", "seed 7",
                   "<td>holds<td>80 ms<td>81<td><b>yes</b> </tr>", "<b>NO</b> a reason",
                   "'x-quartiles.csv'", "<img src='x.svg'"):
        assert wanted in words, wanted
    for unwanted in ("Not the same here", "not said", "x-other.csv"):
        assert unwanted not in words
