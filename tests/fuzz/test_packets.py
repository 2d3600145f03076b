# SPDX-License-Identifier: GPL-2.0-or-later
"""Ten thousand mutated segments: what the patched kernel does is what stock does."""
import importlib.machinery
import importlib.util
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from compare import described  # noqa: E402


def load_run():
    loader = importlib.machinery.SourceFileLoader("fuzz_run", str(HERE / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz_run", loader))
    loader.exec_module(module)
    return module


RUN = load_run()
OPTIONS = RUN.arguments([])


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    return RUN.compare(OPTIONS, tmp_path_factory.mktemp("fuzz"), 0, OPTIONS.segments)


@pytest.mark.parametrize("name", ("none", *RUN.PROGRAMS))
def test_same_as_stock(played, name):
    found, exchanges, options = played[name]
    assert exchanges > 500
    assert bool(options) == (name in RUN.PROGRAMS)
    assert not found, "\n".join(described(OPTIONS.seed, *pair, name) for pair in found[:RUN.SHOWN])


def test_exchanges_are_functions_of_seed_and_number():
    """The guest of each kernel makes its own; and a fault of old is among them."""
    exchange = sys.modules["exchange"]
    assert exchange.exchange("1", 5) == exchange.exchange("1", 5) != exchange.exchange("2", 5)
    ways, states = set(), set()
    for one in exchange.exchanges(OPTIONS.seed, 0, OPTIONS.segments):
        states.add((one["how"], one["family"]))
        ways.add(one["way"])
    assert len(states) == 6 and len(ways) >= 16
