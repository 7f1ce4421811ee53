"""The command ``run``."""

from __future__ import annotations

from unittest import mock

import pytest

from audiorec import artifacts

from ..conftest import call
from ..helpers import failed, snapshot


@pytest.mark.parametrize(
    ("text", "words"),
    [("[mel]\nhops = 3\n", ["hops"]), ("[train]\nbatch_size = 0\n", ["batch_size=0"])],
)
def test_a_recipe_that_is_wrong(workspace, tmp_path, text, words):
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    before = snapshot(workspace)
    failed(call("-w", workspace, "run", file), file, *words)
    assert snapshot(workspace) == before


def test_a_recipe_that_fails_leaves_the_one_before(workspace, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text("[factors]\nmin_tracks_per_user = 1000\n")
    before = snapshot(workspace)
    for command in (["factors", "--recipe", bad], ["run", bad]):
        failed(call("-w", workspace, *command), "min_tracks_per_user")
        assert snapshot(workspace) == before
    answer = call("-w", workspace, "factors")
    assert answer.code == 0 and "up to date" in answer.out


def test_a_run_that_is_killed_is_gone_on_with_by_its_recipe(workspace, tmp_path):
    other, bad = tmp_path / "other.toml", tmp_path / "bad.toml"
    other.write_text("[factors]\nfactors = 5\n")
    bad.write_text("[factors]\nmin_tracks_per_user = 1000\n")
    before = (workspace / "recipe.toml").read_bytes()

    def killed(recipe):
        stop = SystemExit(137)
        with mock.patch("audiorec.pipeline.stages.fit_listening", side_effect=stop):
            assert call("-w", workspace, "factors", "--recipe", recipe).code == 137
        assert (workspace / "recipe.toml").read_bytes() == before

    killed(bad)
    failed(call("-w", workspace, "factors"), "min_tracks_per_user")
    assert "up to date" in call("-w", workspace, "factors").out  # by the recipe before
    killed(other)
    assert call("-w", workspace, "factors").code == 0
    assert artifacts.load_manifest(workspace / "factors", kind="factors").config["factors"] == 5
    assert "factors = 5" in (workspace / "recipe.toml").read_text()
    assert "up to date" in call("-w", workspace, "factors").out
