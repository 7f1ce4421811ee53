"""The command ``playlists``."""

from __future__ import annotations

from audiorec.playlist import saved_playlists
from audiorec.workspace import Workspace

from ..helpers import call, failed


def test_a_template_is_saved_listed_and_refreshed(workspace):
    assert call("-w", workspace, "playlists", "add", "clusters").code == 0
    assert "clusters" in call("-w", workspace, "playlists", "list").out
    answer = call("-w", workspace, "playlists", "refresh")
    assert answer.code == 0, answer.err


def test_parameters_and_names_that_are_none(workspace):
    add = ["-w", workspace, "playlists", "add", "clusters"]
    failed(call(*add, "--as", "a/b"), "'a/b' is not a recipe name", "without /")
    failed(call(*add, "--set", "no-such=3"), "has no parameter 'no-such'")
    failed(call(*add, "--set", "no-value"), "'no-value' must be NAME=VALUE", code=2)
    assert not list((workspace / "playlists").glob("*.toml"))


def test_a_playlist_of_a_player_is_written(workspace, tmp_path):
    saved_playlists(Workspace(workspace)).create("me", "dawn", ["t000001", "gone", "t000002"])
    file = tmp_path / "dawn.m3u8"
    answer = call("-w", workspace, "playlists", "write", "dawn", file)
    assert answer.out == f"2 tracks in {file}\n"
    assert "1 of its tracks not in the catalogue any more" in answer.err
    assert file.read_text().count("#EXTINF") == 2


def test_a_template_that_there_is_not(workspace):
    failed(call("-w", workspace, "playlists", "add", "no-such"), "no-such")
