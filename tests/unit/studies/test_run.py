"""Studies by name, and what they are asked with."""

from __future__ import annotations

import pytest

from audiorec.exceptions import ParameterError
from audiorec.pipeline import Recipe
from audiorec.studies import StudyInputs, run_study
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
