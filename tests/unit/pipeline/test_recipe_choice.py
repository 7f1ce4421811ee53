"""Which recipe a workspace follows where none is named."""

import polars as pl
import pytest
from click.testing import CliRunner

from audiorec import artifacts
from audiorec.cli import cli
from audiorec.exceptions import DataError
from audiorec.pipeline import automatic_recipe, current_recipe, load_shipped, remembered_recipe
from audiorec.pipeline.recipe_choice import MIN_LISTENERS, remembered
from audiorec.workspace import Workspace

from ...loaded_modules import modules_loaded_by

SECTIONS = ("mel", "model", "train")


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    return workspace


@pytest.fixture
def listeners(monkeypatch, workspace):
    """Say how many listeners the workspace has."""

    def have(n):
        workspace.plays.mkdir(exist_ok=True)
        (workspace.plays / artifacts.MANIFEST).touch()
        plays = pl.DataFrame({"user_id": [f"u{i}" for i in range(n)]})
        monkeypatch.setattr("audiorec.data.plays.store.load_plays", lambda directory: plays)

    return have


def test_by_whether_there_is_listening(workspace, listeners):
    assert automatic_recipe(workspace)[:2] == ("library", "there is no listening")
    listeners(1)
    assert automatic_recipe(workspace)[:2] == ("library", "1 listener, fewer than 10")
    listeners(MIN_LISTENERS)
    name, reason, recipe = automatic_recipe(workspace)
    assert (name, reason) == ("default", "there are 10 listeners")
    assert recipe == load_shipped("default") == current_recipe(workspace)


def test_one_that_was_named_is_remembered(workspace, listeners):
    listeners(50)
    assert remembered_recipe(workspace) is None
    with remembered(workspace, load_shipped("scratch")):
        pass
    assert remembered_recipe(workspace) == current_recipe(workspace) == load_shipped("scratch")


def test_one_that_was_killed_is_gone_on_with(workspace):
    with pytest.raises(KeyboardInterrupt), remembered(workspace, load_shipped("scratch")):
        raise KeyboardInterrupt
    assert current_recipe(workspace) == load_shipped("scratch")


def test_a_model_is_followed_though_listening_came_since(workspace, listeners):
    artifacts.save(
        workspace.model, kind="model", arrays={}, config={}, inputs={},
        extra={"format": 2, "target": "content"},
    )  # fmt: skip
    listeners(50)
    assert current_recipe(workspace) == load_shipped("library")
    assert automatic_recipe(workspace).name == "default"


def test_a_model_is_followed_though_the_run_that_made_it_failed_later(workspace, listeners):
    """A track that is added then gets the spectrograms that the model takes."""
    listeners(50)
    scratch = load_shipped("scratch")
    with pytest.raises(DataError), remembered(workspace, scratch):
        artifacts.save(
            workspace.model,
            kind="model",
            arrays={},
            config={n: getattr(scratch, n).model_dump(mode="json") for n in SECTIONS},
            inputs={},
            extra={"target": "factors"},
        )
        raise DataError("the disk is full")
    followed = current_recipe(workspace)
    for name in SECTIONS:
        assert getattr(followed, name) == getattr(scratch, name)
    assert followed.mel.sr != load_shipped("default").mel.sr


def test_the_default_recipe_of_before_is_named_and_chosen_anew(workspace):
    (workspace.root / "recipe.toml").write_text('[model]\narchitecture = "described"\n')
    assert current_recipe(workspace) == load_shipped("library")
    ended = CliRunner().invoke(cli, ["-w", str(workspace.root), "run"])
    (line,) = [line for line in ended.stderr.splitlines() if "earlier version" in line]
    assert 'recipe.toml is of an earlier version (architecture "described")' in line
    assert "audiorec run RECIPE" in line
    assert "recipe library: there is no listening" in ended.stderr


def test_the_stages_start_without_what_few_of_them_need():
    """Polars starts threads, which a process that forks must not have."""
    stages = "audiorec.pipeline, audiorec.cli.stages, audiorec.index.build, audiorec.mel"
    assert not modules_loaded_by(f"import {stages}") & {"polars", "implicit", "lightning"}
