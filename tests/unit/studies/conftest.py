"""The planted world; see `tests.unit.planted`."""

from __future__ import annotations

import pytest

from audiorec.evaluation import prepare_data
from audiorec.studies import StudyInputs
from audiorec.workspace import Workspace

from ..planted import Planted, make_planted


@pytest.fixture(scope="session")
def planted() -> Planted:
    return make_planted()


@pytest.fixture
def make_study(planted, tmp_path):
    """What a study is given of the planted world, without a workspace's files."""

    def make(recipe, **settings) -> StudyInputs:
        inputs = StudyInputs(Workspace(tmp_path), recipe, **settings)
        data = prepare_data(planted.store, planted.plays, planted.tracks, recipe=recipe)
        vars(inputs)["data"] = data  # where the property keeps it
        return inputs

    return make
