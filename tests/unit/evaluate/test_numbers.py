"""The figures of a small planted world, pinned: a change of method does not pass unseen."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data"
# Sums in another order, on another machine: a network strays further than a regression.
TOLERANCE = {"random": 1e-6, "mel statistics + ridge": 1e-3, "cnn": 0.02}


@pytest.fixture(scope="module")
def found(planted):
    path = DATA / "make_evaluation_numbers.py"
    spec = importlib.util.spec_from_file_location("make_evaluation_numbers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.measure(planted)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["systems", "share_of_oracle"])
def test_figures_are_those_that_were_written_down(found, table) -> None:
    written = json.loads((DATA / "evaluation_numbers.json").read_text())[table]
    assert written.keys() == found[table].keys()
    for name, row in written.items():
        for metric, value in row.items():
            close = pytest.approx(value, abs=TOLERANCE.get(name, 2e-3))
            assert found[table][name][metric] == close, (name, metric)
