"""The command ``add``."""

from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl

from audiorec import artifacts
from audiorec.data.plays import load_plays
from audiorec.factors import smooth_by_artist
from audiorec.recommend import Library, content_space
from audiorec.recommend.spaces import artist_smoothing, artists_of

from ..conftest import call
from ..helpers import SONGS, answer_json, failed


def test_a_played_track_is_where_its_listeners_place_it_and_a_new_one_where_sound_and_artist_do(
    workspace, world
):
    added = call("-w", workspace, "add", world.held_back).out.split()
    library = Library(workspace)
    place = library.workspace
    sound, factors = content_space(place), library.factors().tracks
    blend = library.index.embeddings()
    smoothing = artist_smoothing(artifacts.load_manifest(place.model, kind="model"))
    begun = smooth_by_artist(sound, factors=factors, artists=artists_of(place), smoothing=smoothing)
    assert all(np.array_equal(blend[i], begun[i]) for i in added)
    plays = pl.read_csv(world.plays_csv)["track_id"].value_counts()
    often = plays.filter(pl.col("count") > 60)["track_id"].to_list()
    assert len(often) > 5
    for track in often:
        if track in blend:
            assert np.abs(blend[track] - factors[track]).max() < 1e-2
            assert np.abs(blend[track] - sound[track]).max() > 1e-2


def test_add_takes_in_a_new_file_without_training(workspace, world):
    model = sorted((workspace / "model").iterdir())
    before = [path.read_bytes() for path in model]
    answer = call("-w", workspace, "add", world.held_back)
    assert answer.code == 0, answer.err
    added = answer.out.split()
    n_files = sum(path.is_file() for path in world.held_back.rglob("*"))
    assert len(added) == n_files
    near = answer_json("-w", workspace, "similar", added[0], "-k", "5")
    assert len(near["results"]) == 5
    assert [path.read_bytes() for path in sorted((workspace / "model").iterdir())] == before
    assert call("-w", workspace, "add", world.held_back).out.split() == added
    assert "up to date" in call("-w", workspace, "train").out


def test_a_folder_without_audio_adds_nothing(workspace, tmp_path):
    answer = call("-w", workspace, "add", tmp_path)
    failed(answer, "no audio files found")
    assert answer.out == ""


def test_add_names_the_files_that_it_could_not_read(workspace, world, tmp_path):
    junk = tmp_path / "junk.mp3"
    junk.write_text("not a sound " * 500)
    failed(call("-w", workspace, "add", junk), "status --failures")
    good = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    answer = call("-w", workspace, "add", good, junk)
    assert answer.code == 0 and len(answer.out.split()) == 1
    assert str(junk) in answer.err
    assert call("-w", workspace, "add", good, junk, "--strict").code == 1


def test_a_track_that_is_added_gets_the_listening_to_it(finished, songs, exports, tmp_path) -> None:
    """A friend's history names a track that comes later: it is played from then on."""
    workspace = tmp_path / "w"
    shutil.copytree(finished, workspace)
    answer = call("-w", workspace, "plays", exports / "spotify", "--user", "friend")
    assert answer.code == 0, answer.err
    before = load_plays(workspace / "plays")
    song = songs / next(name for name, (_, title, _) in SONGS.items() if title == "Feeling Good")
    answer = call("-w", workspace, "add", song, "--json")
    assert answer.code == 0, answer.err
    (track_id,) = json.loads(answer.out)["track_ids"]
    after = load_plays(workspace / "plays")
    assert track_id not in set(before["track_id"])
    assert track_id in set(after.filter(after["user_id"] == "friend")["track_id"])
