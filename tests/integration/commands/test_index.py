"""The command ``index``."""

from __future__ import annotations

import pytest

from ..conftest import call
from ..helpers import answer_json


def test_memory_is_remembered_with_the_recipe(workspace):
    assert "up to date" in call("-w", workspace, "index").out
    assert call("-w", workspace, "index", "--memory", "1.5G").code == 0
    assert "1.5G" in (workspace / "recipe.toml").read_text()
    assert "up to date" in call("-w", workspace, "index").out


@pytest.mark.parametrize("hubs", ["csls", "reach"])
def test_hubs_are_corrected_when_the_recipe_says_so(workspace, recipe, some_track, tmp_path, hubs):
    other = tmp_path / "hubs.toml"
    other.write_text(f'{recipe.read_text()}[index]\nhubs = "{hubs}"\n')
    assert call("-w", workspace, "index", "--recipe", other).code == 0
    near = answer_json("-w", workspace, "similar", some_track["track_id"], "-k", "5")
    assert len(near["results"]) == 5
    assert "up to date" in call("-w", workspace, "index").out
