"""The figures of a small planted world, pinned: a change of method does not pass unseen."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data"
# Sums in another order, on another machine: a network strays further than a regression.
TOLERANCE = {"random": 1e-6, "play count of half A": 1e-6, "cnn (from nothing)": 0.05}


@pytest.fixture(scope="module")
def module():
    path = DATA / "make_evaluation_numbers.py"
    spec = importlib.util.spec_from_file_location("make_evaluation_numbers", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def found(module, planted):
    return module.measure(planted)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["systems", "share_of_oracle"])
def test_figures_are_those_that_were_written_down(module, found, table) -> None:
    written = json.loads((DATA / "evaluation_numbers.json").read_text())
    assert strays_from(written[table], found[table]) == []


def strays_from(written, found) -> list[tuple[str, str, float, float]]:
    assert written.keys() == found.keys()
    return [
        (name, metric, value, found[name][metric])
        for name, row in written.items()
        for metric, value in row.items()
        if found[name][metric] != pytest.approx(value, abs=TOLERANCE.get(name, 6e-3))
    ]
