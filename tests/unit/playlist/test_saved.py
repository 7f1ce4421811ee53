"""Playlists that listeners keep, and the commands that see them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.data.server import forget_listener
from audiorec.data.server.store import FILE
from audiorec.exceptions import AmbiguousNameError, NotFoundError, ParameterError
from audiorec.playlist import saved_playlists
from audiorec.playlist.saved import LONGEST_NAME

from .conftest import N, make_workspace


@pytest.fixture
def workspace(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((N, 8)).astype(np.float32)
    return make_workspace(tmp_path / "ws", vectors)


def run(workspace, *args):
    return CliRunner().invoke(cli, ["-w", str(workspace.root), *map(str, args)])


def test_a_change_is_there_for_whoever_opens_it_next(workspace):
    saved = saved_playlists(workspace)
    id_ = saved.create("ann", "Morning", ["t001", "t002", "t001"], comment="early")
    saved.update(id_, user="ann", name="Dawn", add=["t003"], remove_positions={0, 1})
    found = saved_playlists(workspace).get(id_)
    assert found.track_ids == ("t001", "t003")
    assert (found.name, found.comment, found.public) == ("Dawn", "early", False)
    saved.update(id_, user="ann", public=True, track_ids=[], comment="")
    assert saved.get(id_)[2:5] == ("Dawn", "", True) and saved.get(id_).track_ids == ()
    saved.delete(id_, user="ann")
    with pytest.raises(NotFoundError):
        saved.get(id_)


def test_who_may_see_and_who_may_change(workspace):
    saved = saved_playlists(workspace)
    secret, public = saved.create("ann", "b"), saved.create("ann", "a", public=True)
    assert [each.id for each in saved.list("ann")] == [public, secret]
    assert [each.id for each in saved.list("bob")] == [public]
    for change in (saved.delete, saved.update):
        with pytest.raises(NotFoundError, match="its maker"):
            change(public, user="bob")
    assert forget_listener(workspace.root / FILE, "ann") >= 2
    assert saved_playlists(workspace).list() == []


def test_what_cannot_be_kept(workspace):
    saved = saved_playlists(workspace)
    for name in ("", " ", "x" * (LONGEST_NAME + 1)):
        with pytest.raises(ParameterError):
            saved.create("ann", name)
    id_ = saved.create("ann", "x", ["t001"])
    with pytest.raises(ParameterError, match="position 1"):
        saved.update(id_, user="ann", remove_positions=[0, 1], name="y")
    assert saved.get(id_).name == "x"  # all at once or not at all


def test_the_commands_see_them(workspace, tmp_path):
    saved = saved_playlists(workspace)
    id_ = saved.create("ann", "Morning", ["t001", "gone", "t004"])
    assert "Morning" in run(workspace, "playlists", "list").output
    listed = json.loads(run(workspace, "playlists", "list", "--json").stdout)
    assert listed["playlists"] == [{"id": id_, "name": "Morning", "user": "ann", "n_tracks": 3}]
    file = tmp_path / "morning.json"
    done = run(workspace, "playlists", "write", "Morning", file, "--json")
    assert json.loads(done.stdout)["n_tracks"] == 2 and "1 of its tracks" in done.stderr
    rows = json.loads(file.read_text())
    assert [row["track_id"] for row in rows["tracks"]] == ["t001", "t004"]
    made = run(workspace, "playlist", "list:Morning", "--kind", "reorder", "--json")
    assert made.exit_code == 0, made.output
    assert "t001" in made.stdout and "t004" in made.stdout
    wrong = run(workspace, "playlists", "write", "Evening", file)
    assert wrong.exit_code == 1 and "known: Morning" in str(wrong.exception)
    assert run(workspace, "playlist", "list:Evening").exit_code == 1
    saved.create("bob", "Morning")
    with pytest.raises(AmbiguousNameError):
        saved.named("Morning")
    assert saved.named(id_).user == "ann"


def test_bounds_of_what_is_kept(workspace, monkeypatch):
    saved = saved_playlists(workspace)
    monkeypatch.setattr("audiorec.playlist.saved.MOST_PLAYLISTS", 2)
    monkeypatch.setattr("audiorec.playlist.saved.MOST_TRACKS", 3)
    for name in ("a", "b"):
        saved.create("ann", name, ["t001"] * 3)
    with pytest.raises(ParameterError, match="'ann' has 2 playlists; delete some first"):
        saved.create("ann", "c")
    with pytest.raises(ParameterError, match="at most 3 tracks; make several of it"):
        saved.create("bob", "a", ["t001"] * 4)
    saved.create("bob", "a")
    assert len(saved.list()) == 3
