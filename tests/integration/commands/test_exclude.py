"""The command ``exclude``."""

from __future__ import annotations

import json
import shutil

import pytest

from audiorec.data.catalog import Catalog
from audiorec.data.plays import load_plays

from ..conftest import call
from ..helpers import failed


@pytest.fixture(scope="module")
def workspace(finished, tmp_path_factory):
    path = tmp_path_factory.mktemp("exclude") / "workspace"
    shutil.copytree(finished, path)
    return path


def ids(answer):
    assert answer.code == 0, answer.err
    return {hit["track_id"] for hit in json.loads(answer.out)["results"]}


def test_no_command_shows_what_is_excluded(workspace, tmp_path):
    with Catalog(workspace / "catalog.sqlite", read_only=True) as catalog:
        tracks = catalog.tracks()
    hidden = {track.track_id for track in tracks if track.artist == tracks[0].artist}
    seed = next(track.track_id for track in tracks if track.track_id not in hidden)
    user = load_plays(workspace / "plays")["user_id"][0]
    answer = call("-w", workspace, "exclude", "add", "--artist", tracks[0].artist, "--json")
    assert json.loads(answer.out)["hidden"] == len(hidden)
    batch = tmp_path / "batch.txt"
    batch.write_text(f"{seed}\n")
    commands = [
        ("similar", seed, "-k", len(tracks) - len(hidden) - 1),
        ("similar", seed, "--space", "content", "-k", 5),
        ("recommend", user, "--heard", "-k", len(tracks) - len(hidden)),
        ("playlist", seed, "--length", 12, "-o", tmp_path / "p.m3u8"),
    ]
    for command in commands:
        assert hidden.isdisjoint(ids(call("-w", workspace, *command, "--json")))
    line = json.loads(call("-w", workspace, "similar", "--batch", batch).out)
    assert hidden.isdisjoint(hit["track_id"] for hit in line["results"])
    # Hidden, it is still a track to start from, and that is said.
    named = next(iter(hidden))
    answer = call("-w", workspace, "similar", named, "--json")
    assert json.loads(answer.out)["hidden"] == [named] and f"{named} is hidden" in answer.err
    assert ids(answer).isdisjoint(hidden)
    assert hidden.isdisjoint(ids(call("-w", workspace, "playlist", named, "--json")))
    answer = call("-w", workspace, "exclude", "remove", f"artist {tracks[0].artist}")
    assert answer.code == 0 and "0 tracks are hidden" in answer.err


def test_bad_rules_are_refused_and_change_nothing(workspace):
    assert call("-w", workspace, "exclude", "add", "--longer", "15:00").code == 0
    before = (workspace / "exclusions.json").read_bytes()
    assert call("-w", workspace, "exclude", "add").code == 2
    failed(call("-w", workspace, "exclude", "add", "--shorter", "soon"), "'soon' is not a length")
    failed(call("-w", workspace, "exclude", "remove", "7"), "no exclusion '7'")
    assert (workspace / "exclusions.json").read_bytes() == before
    listed = call("-w", workspace, "exclude", "list")
    assert "  1  longer 15:00  hides 0 tracks" in listed.out
