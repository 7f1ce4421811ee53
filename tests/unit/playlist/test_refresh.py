"""Saved playlists are made again, all of them, and none is lost."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.data import import_plays
from audiorec.data.catalog import save_descriptors
from audiorec.playlist import PlaylistRequest, recipes_in, refresh_playlists, save_recipe
from audiorec.recommend import Library

from ...loaded_modules import modules_loaded_by_command
from .conftest import N, make_workspace

TEMPLATES = Path(__file__).parents[3] / "pipelines" / "playlists"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    vectors = np.random.default_rng(0).standard_normal((N, 8)).astype(np.float32)
    workspace = make_workspace(tmp_path_factory.mktemp("recipes") / "ws", vectors)
    rows = [("me", f"t{n:03d}", 1.0 + n % 5, 1_600_000_000 + 1000 * n) for n in range(0, 90, 3)]
    file = workspace.root.parent / "plays.csv"
    schema = ["user_id", "track_id", "plays", "timestamp"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(file)
    import_plays(workspace.plays, file)
    rng = np.random.default_rng(1)
    values = {f"t{n:03d}": (str(n), rng.uniform(60, 90, 5).astype(np.float32)) for n in range(N)}
    save_descriptors(workspace.descriptors, values)
    return workspace


def run(workspace, *args):
    return CliRunner().invoke(cli, ["-w", str(workspace.root), *map(str, args)])


def test_a_saved_list_is_the_same_from_every_folder_and_as_it_was_written(
    workspace, tmp_path, monkeypatch
):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.m3u8").write_text("/m/t001.mp3\n/m/t002.mp3\n")
    monkeypatch.chdir(tmp_path)
    words = ("lists/a.m3u8", "--kind", "continue", "--length", 4, "--path-map", "/m=/mnt/nas")
    made = run(workspace, "playlist", *words, "-o", "once.m3u8", "--save", "going on")
    assert made.exit_code == 0, made.stderr
    monkeypatch.chdir("/")
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (workspace.recipes / "going on.toml").rename(recipes / "going on.toml")
    done = run(workspace, "playlists", "refresh", recipes, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    again = (tmp_path / "out" / "going on.m3u8").read_text()
    assert "/mnt/nas/t" in again
    once = (tmp_path / "once.m3u8").read_text()
    assert again.replace("#PLAYLIST:going on\n", "") == once


def test_a_recipe_that_fails_stops_no_other_and_loses_nothing(workspace, tmp_path):
    for name, seed in (("a", "t000"), ("b", "nobody"), ("c", "t001")):
        save_recipe(tmp_path / "recipes", name, PlaylistRequest(seeds=(seed,), length=5))
    output = tmp_path / "out"
    output.mkdir()
    (output / "b.m3u8").write_text("before")
    done = run(workspace, "playlists", "refresh", tmp_path / "recipes", "-o", output)
    assert done.exit_code == 1
    assert "b failed: no track is called 'nobody'" in done.stderr
    assert (output / "b.m3u8").read_text() == "before"
    assert sorted(path.name for path in output.iterdir()) == ["a.m3u8", "b.m3u8", "c.m3u8"]
    first = (output / "a.m3u8").read_bytes()
    assert b"#PLAYLIST:a" in first
    run(workspace, "playlists", "refresh", tmp_path / "recipes", "-o", output)
    assert (output / "a.m3u8").read_bytes() == first
    done = run(workspace, "playlists", "refresh", tmp_path / "nowhere")
    assert "there is no playlist recipe" in str(done.exception)


def test_every_template_works_or_says_what_it_needs(workspace, tmp_path):
    assert len(recipes_in(TEMPLATES)) == 8
    done = refresh_playlists(Library(workspace), recipes_in(TEMPLATES), output=tmp_path)
    problems = {each.name: each.problem for each in done if each.problem}
    assert problems.keys() == {"path-between", "hidden-gems", "new-arrivals", "work-without-vocals"}
    assert "'from' has no value" in problems["path-between"]
    assert "needs listening" in problems["hidden-gems"]  # placed by sound alone
    assert "instrumental" in problems["work-without-vocals"]
    assert "no track fits the filters (added-since 30d)" in problems["new-arrivals"]
    assert len(next(each for each in done if each.name == "clusters").files) == 8
    named = {"from": "t000", "to": "t050"}
    done = refresh_playlists(
        Library(workspace), [TEMPLATES / "path-between.toml"], output=tmp_path, parameters=named
    )
    assert done[0].n_tracks == 20 and not done[0].problem


def test_a_new_week_avoids_what_the_last_ones_had(workspace, tmp_path):
    library = Library(workspace)
    weeks = []
    for week in range(3):
        now = 1_767_571_200.0 + 7 * 86_400 * week
        for _ in range(2):  # renewed within the week it is the same
            files = [TEMPLATES / "weekly-discovery.toml"]
            refresh_playlists(library, files, output=tmp_path, now=now)
            lines = (tmp_path / "weekly-discovery.m3u8").read_text().splitlines()
            paths = [line for line in lines if not line.startswith("#")]
        weeks.append(set(paths))
    assert len(weeks[0]) == 30
    assert all(weeks[a].isdisjoint(weeks[b]) for a, b in ((0, 1), (1, 2), (0, 2)))


def test_save_list_add_and_refresh_from_the_command_line(workspace):
    assert run(workspace, "playlist", "t000", "--length", 4, "--save", "mine").exit_code == 0
    assert run(workspace, "playlists", "add", "polka").exit_code == 1
    added = run(
        workspace, "playlists", "add", "path-between", "--set", "from=t000", "--set", "to=t9"
    )
    assert added.exit_code == 0, added.stderr
    table = tomllib.loads((workspace.recipes / "path-between.toml").read_text())
    assert table["parameters"] == {"from": "t000", "to": "t9"}
    listed = json.loads(run(workspace, "playlists", "list", "--json").stdout)
    assert listed["saved"] == ["mine", "path-between"] and len(listed["templates"]) == 8
    done = run(workspace, "playlists", "refresh", "--json", "--set", "to=t010")
    assert done.exit_code == 0, done.stderr
    assert [each["n_tracks"] for each in json.loads(done.stdout)] == [4, 20]


def test_a_playlist_loads_nothing_heavy(workspace, tmp_path):
    command = ("-w", workspace.root, "playlist", "t000", "-o", tmp_path / "a.m3u8")
    loaded = modules_loaded_by_command(*command)
    assert not loaded & {"torch", "librosa", "faiss", "polars", "pyloudnorm"}
