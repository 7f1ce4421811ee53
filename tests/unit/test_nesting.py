"""Settings that nest without end, or whose numbers do not end, are refused in one line."""

from __future__ import annotations

import pytest

from audiorec.exceptions import DataError, WorkspaceError
from audiorec.pipeline.recipe import Recipe
from audiorec.workspace import Workspace


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 3000 + "]" * 3000,
        "[factors]\nfactors = " + "9" * 5000,
        "# " + "a" * (1 << 20),
    ],
)
def test_recipes(tmp_path, text):
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(
        DataError, match=r"recipe .*recipe.toml (cannot be read|has more than)"
    ) as e:
        Recipe.load(file)
    assert len(str(e.value)) < 400 and "\n" not in str(e.value)


def test_a_workspace(tmp_path):
    (tmp_path / "workspace.json").write_text("[" * 100_000)
    with pytest.raises(WorkspaceError, match="workspace.json is damaged"):
        Workspace(tmp_path).check()
