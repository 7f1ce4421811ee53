"""Recipes that come with the program are found by their names."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from audiorec.exceptions import DataError
from audiorec.pipeline import Recipe, load_shipped, read_recipe, shipped_recipes


def test_shipped_recipes_are_found_wherever_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_recipe(Path("pipelines/library.toml")).model.target == "content"
    with pytest.raises(DataError, match=r"recipe pipelines/none.toml cannot be read: no such file"):
        read_recipe(Path("pipelines/none.toml"))
    with pytest.raises(DataError, match=r"recipe other/library.toml cannot be read"):
        read_recipe(Path("other/library.toml"))
    own = tmp_path / "pipelines" / "library.toml"
    own.parent.mkdir()
    own.write_text("[factors]\nfactors = 7\n")
    assert read_recipe(Path("pipelines/library.toml")).factors.factors == 7


def test_installed_recipes_are_found(tmp_path, monkeypatch):
    """As a wheel lays them out, away from any checkout."""
    recipe = tmp_path / "share" / "audiorec" / "pipelines" / "library.toml"
    recipe.parent.mkdir(parents=True)
    recipe.with_name("default.toml").touch()
    recipe.write_text("[factors]\nfactors = 9\n")
    path = metadata.PackagePath("share/audiorec/pipelines/default.toml")
    monkeypatch.setattr(path.__class__, "locate", lambda self: recipe.with_name("default.toml"))
    monkeypatch.setattr(metadata, "files", lambda name: [path])
    monkeypatch.setattr(
        shipped_recipes, "__file__", str(tmp_path / "site" / "audiorec" / "pipeline" / "r.py")
    )
    monkeypatch.chdir(tmp_path)
    assert read_recipe(Path("pipelines/library.toml")).factors.factors == 9


@pytest.mark.parametrize("name", ["library", "library.toml", "pipelines/library.toml"])
def test_a_shipped_recipe_is_found_by_its_name_from_anywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "library").mkdir()  # a folder of that name is no recipe
    assert read_recipe(Path(name)) == load_shipped("library")
    (tmp_path / "library.toml").write_text("[factors]\nfactors = 7\n")
    if name == "library.toml":  # a file of one's own goes before
        assert read_recipe(Path(name)).factors.factors == 7


def test_a_name_that_is_none(tmp_path):
    known = "default, dieleman2014, library, paper2013, scratch"
    with pytest.raises(DataError, match=f"no recipe 'libary'; name a file, or one of {known}"):
        read_recipe(Path("libary"))
    with pytest.raises(DataError, match="cannot be read: no such file"):
        read_recipe(tmp_path / "libary.toml")
    assert isinstance(load_shipped("default"), Recipe)
