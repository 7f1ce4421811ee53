"""Every recipe that is shipped can be read, and the default one is the default."""

from pathlib import Path

import pytest

from audiorec.config import Recipe

RECIPES = sorted((Path(__file__).parents[2] / "pipelines").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_can_be_read(path):
    assert isinstance(Recipe.load(path), Recipe)
    assert path.read_text().startswith("# "), "a recipe says what it is"


def test_the_default_recipe_spells_out_the_defaults():
    default = next(path for path in RECIPES if path.stem == "default")
    assert Recipe.load(default) == Recipe()
