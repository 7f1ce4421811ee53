"""What commands begin with: recipes by their names, imports, threads."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest

from audiorec.cli import main
from audiorec.cli.common import read_recipe, without_garbage_collection
from audiorec.exceptions import DataError
from audiorec.pipeline import workspace_recipe


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
    from importlib import metadata

    from audiorec.cli import common

    recipe = tmp_path / "share" / "audiorec" / "pipelines" / "library.toml"
    recipe.parent.mkdir(parents=True)
    recipe.with_name("default.toml").touch()
    recipe.write_text("[factors]\nfactors = 9\n")
    path = metadata.PackagePath("share/audiorec/pipelines/default.toml")
    monkeypatch.setattr(path.__class__, "locate", lambda self: recipe.with_name("default.toml"))
    monkeypatch.setattr(metadata, "files", lambda name: [path])
    monkeypatch.setattr(
        workspace_recipe, "__file__", str(tmp_path / "site" / "audiorec" / "pipeline" / "r.py")
    )
    monkeypatch.chdir(tmp_path)
    assert common.read_recipe(Path("pipelines/library.toml")).factors.factors == 9


@pytest.mark.parametrize("given, used", [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_do_not_spin_unless_asked_to(monkeypatch, given, used):
    monkeypatch.setenv("OMP_WAIT_POLICY", given or "")
    if given is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setattr(sys, "argv", ["audiorec", "--version"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert os.environ["OMP_WAIT_POLICY"] == used


def test_imports_are_not_searched_for_garbage_and_what_comes_after_them_is(monkeypatch):
    frozen = [0]
    monkeypatch.setattr(gc, "get_freeze_count", lambda: frozen[0])
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(frozen.pop() + 1))
    with pytest.raises(ImportError), without_garbage_collection():
        assert not gc.isenabled()
        raise ImportError("no such module")
    assert gc.isenabled()
    assert frozen == [1]
    with (
        without_garbage_collection()
    ):  # of a second command of one process, little is left to import
        assert gc.isenabled()
    assert frozen == [1]
