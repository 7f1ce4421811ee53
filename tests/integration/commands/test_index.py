"""The command ``index``."""

from __future__ import annotations

import pytest

from ..conftest import call
from ..helpers import answer_json


@pytest.mark.parametrize("hubs", ["csls", "reach"])
def test_hubs_are_corrected_when_the_recipe_says_so(workspace, recipe, some_track, tmp_path, hubs):
    other = tmp_path / "hubs.toml"
    other.write_text(f'{recipe.read_text()}[index]\nhubs = "{hubs}"\n')
    assert call("-w", workspace, "index", "--recipe", other).code == 0
    near = answer_json("-w", workspace, "similar", some_track["track_id"], "-k", "5")
    assert len(near["results"]) == 5
    assert "up to date" in call("-w", workspace, "index").out
