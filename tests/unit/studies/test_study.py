"""What studies have in common: what they are given, and their tables."""

from __future__ import annotations

import pytest

from audiorec.exceptions import ParameterError
from audiorec.metrics import Interval
from audiorec.pipeline.recipe import Recipe
from audiorec.studies.run import run_study
from audiorec.studies.study import StudyInputs, StudyReport, StudyTable
from audiorec.workspace import Workspace


def test_a_study_of_one_system_is_not_asked_for_two(tmp_path):
    def given(*systems):
        return StudyInputs(Workspace(tmp_path), Recipe(), systems=systems)

    assert given().system is None and given("random").system == "random"
    with pytest.raises(ParameterError, match=r"system=\['random', 'shuffled'\] must be one"):
        _ = given("random", "shuffled").system


def test_a_study_that_there_is_not_is_named_with_those_there_are(tmp_path):
    with pytest.raises(ParameterError, match=r"unknown study 'magic'; choose from ablation, cold"):
        run_study("magic", StudyInputs(Workspace(tmp_path), Recipe()))


def test_a_table_leaves_empty_what_is_not_known():
    rows = (
        {"system": "a", "AUC": 0.5, "interval": Interval(0.25, 0.75)},
        {"system": "b", "AUC": float("nan"), "interval": None},
    )
    table = StudyTable("Title", ("system", "AUC", "interval"), rows, ("A note.",), {"n": 2})
    lines = StudyReport((table,)).to_text().splitlines()
    assert lines[0] == "Title" and lines[-1] == "A note."
    assert [line.split() for line in lines if line[:1] in ("a", "b")] == [
        ["a", "0.500", "[+0.250", "..", "+0.750]"], ["b"]
    ]  # fmt: skip
    body = StudyReport((table,)).to_json()
    assert (body["n"], body["rows"][1]) == (2, {"system": "b", "AUC": None, "interval": None})
    assert StudyReport((table, table)).to_json() == [body, body]
