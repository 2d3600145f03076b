# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether two sets of repetitions differ, against numbers worked out by hand."""
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/figures"))
import compare
import declare
import results
import significance
from significance import Comparison


@pytest.mark.parametrize("before, after, p", [
    ([1, 2, 3], [4, 5, 6], 2 / 20), ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 2 / 252),
    # U = 8 of 4 x 4: in the middle.
    ([1, 4, 5, 8], [2, 3, 6, 7], 1.0), ([3, 3, 3], [3, 3], 1.0)])
def test_p_values(before, after, p):
    assert significance.p_value(before, after) == pytest.approx(p)
    assert significance.p_value(after, before) == pytest.approx(p)


@pytest.mark.parametrize("before, after, delta, word", [
    ([1, 2], [3, 4], 1, "large"), ([3, 4], [1, 2], -1, "large"), ([1, 2], [1, 2], 0, "negligible"),
    ([1, 2, 3, 4], [2, 3, 4, 5], 7 / 16, "medium")])
def test_effect_sizes(before, after, delta, word):
    assert significance.cliffs_delta(before, after) == pytest.approx(delta)
    assert significance.effect(delta) == word


def test_correction():
    """Each is multiplied by how many are not smaller, and is no less than a smaller one's."""
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert significance.holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize("comparisons, repetitions", [(1, 4), (4, 5), (10, 6), (100, 8)])
def test_how_many_repetitions_it_takes(comparisons, repetitions):
    assert significance.enough(comparisons) == repetitions
    assert comparisons * significance.least_p(repetitions - 1, repetitions - 1) >= 0.05


def test_sentences():
    low, high = [1.0, 1.1, 1.2, 1.3, 1.4], [2.0, 2.1, 2.2, 2.3, 2.4]
    mixed = [0.9, 1.15, 1.2, 1.25, 1.6]
    said = significance.sentences([
        Comparison("rtt 10", "load", "ms", low, high, significance.p_value(low, high)),
        Comparison("rtt 20", "load", "", low, mixed, significance.p_value(low, mixed))])
    assert said[0] == (True, "rtt 10: load is 83 % higher in B (median 1.2 and 2.2 ms), "
                             "a significant difference (Mann-Whitney p = 0.0079, corrected "
                             "0.016; Cliff's delta +1.00, large; 5 and 5 repetitions)")
    assert said[1][0] is False and "is the same in B" in said[1][1]
    assert ", no significant difference (" in said[1][1]


def test_too_few_repetitions_are_said_to_be():
    before, after = [1, 2, 3], [7, 8, 9]
    (significant, words), = significance.sentences([
        Comparison("a", "load", "ms", before, after, significance.p_value(before, after))])
    assert not significant
    assert "too few repetitions for any verdict on 1 comparisons, it takes 4 each" in words


def test_many_comparisons_take_more():
    before, after = list(range(5)), list(range(5, 10))
    same = Comparison("a", "load", "ms", before, after, significance.p_value(before, after))
    assert [significant for significant, _ in significance.sentences([same] * 6)] == [True] * 6
    (significant, words), *_ = significance.sentences([same] * 7)
    assert not significant and "on 7 comparisons, it takes 6 each" in words


@pytest.mark.parametrize("before, after, words", [
    (10, 12, "20 % higher"), (10, 9.95, "0.5 % lower"), (0, 1, "higher"), (5, 5, "the same"),
    (1, 3, "200 % higher")])
def test_changes(before, after, words):
    assert significance.change(before, after) == words


def fake(out, experiment, factor, declaration="queue = 100"):
    """Results in which `factor` times as much was measured."""
    out.mkdir()
    results.write_measured(out, experiment, [
        (point, n, {name: factor * (100 + n) for name in experiment.measures}, [], [])
        for n in range(1, 11) for point in experiment.points])
    (out / f"{experiment.name}.json").write_text(json.dumps(
        {"kernel": "6.12", "seed": 5, "repetitions": 10, "declaration": declaration}))


def test_directories(tmp_path, capsys):
    experiment = declare.named("netdev-5")
    fake(tmp_path / "a", experiment, 1)
    fake(tmp_path / "b", experiment, 1)
    fake(tmp_path / "c", experiment, 2, "queue = 200")
    fake(tmp_path / "d", experiment, 2, None)
    a, b, c, d = (str(tmp_path / name) for name in "abcd")
    compare.main([a, b])
    same = capsys.readouterr().out
    count = len(experiment.points) * len(experiment.measures)
    assert f"netdev-5: 0 of {count} comparisons differ significantly at 0.05" in same
    assert "declared otherwise" not in same
    assert "seed 5, 10 repetitions" in same and "control bbr: rtt is the same in B" in same
    compare.main([a, b, "--different"])
    assert "the same" not in capsys.readouterr().out
    compare.main([a, c, "--different"])
    other = capsys.readouterr().out
    assert f"netdev-5: {count} of {count} comparisons differ" in other
    assert other.count("% higher in B") == count
    assert "declared otherwise" in other and "    -queue = 100\n    +queue = 200\n" in other
    compare.main([a, d])
    assert "declared otherwise" in (last := capsys.readouterr().out)
    assert "does not say how" in last
    # Four points of each of three measures, not twelve.
    assert "p = 0.00018, corrected 0.00073" in last
    (tmp_path / "b/netdev-5.csv").write_text("series,repetition\n")
    (tmp_path / "b/calibration.csv").write_text("series,repetition\n")
    fake(tmp_path / "e", declare.named("calibration"), 1)
    for given, words in (([a, b], "netdev-5: not compared: netdev-5.csv lacks"),
                         ([str(tmp_path / "e"), b], "calibration: not compared"),
                         ([a, str(tmp_path)], "no declared experiment has results in both"),
                         ([a, b, "netdev-6"], "netdev-6 has no results in "),
                         ([a, b, "nothing.toml"], "nothing.toml: No such file")):
        with pytest.raises(SystemExit) as ended:
            compare.main(given)
        assert ended.value.code == 2 and words in capsys.readouterr().err
