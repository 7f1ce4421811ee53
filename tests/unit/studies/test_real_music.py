"""Real music with real listening, by the study's two commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiorec.data import import_plays
from audiorec.data.catalog import Catalog
from audiorec.studies.real_music import main
from audiorec.workspace import Workspace

from ..stored_mels import store_mels

SYSTEM = "mel statistics + ridge"
RECIPE = """
[mel]
n_mels = 12
clip_seconds = 1.0
hop_length = 512
[factors]
factors = 8
regularization = 1.0
[train]
crop_seconds = 0.8
[evaluate]
seeds = [0]
rank_by = "artists"
"""


def call(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def hetrec(tmp_path) -> Path:
    """Six artists of seven listeners each."""
    folder = tmp_path / "hetrec"
    folder.mkdir()
    artists = "\n".join(f"{n}\tArtist {n}\turl" for n in range(6))
    (folder / "artists.dat").write_text(f"id\tname\turl\n{artists}\n")
    plays = "\n".join(f"{user}\t{n}\t{user + 1}" for user in range(7) for n in range(6))
    (folder / "user_artists.dat").write_text(f"userID\tartistID\tweight\n{plays}\n")
    return folder


def test_join_says_how_many_artists_there_are(hetrec, tmp_path):
    source = tmp_path / "set" / "tracks.csv"
    source.parent.mkdir()
    rows = [f"s{n},music/{n}.mp3,Artist {n},Song {n}" for n in range(6)]
    source.write_text("\n".join(["track_id,path,artist,title", *rows]))
    done = call("join", "manifest", source, hetrec, tmp_path / "joined")
    assert done.exit_code == 0, done.output
    assert done.output == f"6 artists, 2 of them frozen; see {tmp_path / 'joined'}\n"
    listed = (tmp_path / "joined" / "tracks.csv").read_text()
    assert f"s3,{tmp_path / 'set' / 'music' / '3.mp3'},Artist 3,Song 3," in listed
    frozen = (tmp_path / "joined" / "frozen.txt").read_text().splitlines()
    assert len(frozen) == 2 and set(frozen) < {f"Artist {n}" for n in range(6)}


def test_sets_that_do_not_meet_are_one_line(hetrec, tmp_path):
    (tmp_path / "tracks.csv").write_text("track_id,path,artist,title\na,a.mp3,Nobody,Song\n")
    done = call("join", "manifest", tmp_path / "tracks.csv", hetrec, tmp_path / "joined")
    assert done.exit_code == 1
    assert done.output.startswith("Error: 0 artists have recordings and 5 listeners")
    assert len(done.output.splitlines()) == 1


@pytest.fixture(scope="module")
def joined(planted, tmp_path_factory) -> Path:
    """The planted world as a workspace; two artists are frozen."""
    folder = tmp_path_factory.mktemp("real-music")
    workspace = Workspace(folder / "ws")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(planted.tracks)
    planted.plays.drop("timestamp").write_csv(folder / "plays.csv")
    import_plays(workspace.plays, folder / "plays.csv")
    store_mels(workspace.mels, planted.store.spectrograms, config=planted.store.config)
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "artists.txt").write_text("".join(f"A{n:02d}\n" for n in range(80)))
    (folder / "frozen.txt").write_text("A05\nA31\n")
    return folder


def test_frozen_artists_have_a_table_of_their_own_or_are_left_out(joined):
    arguments = "run", joined / "ws", joined, "--recipe", joined / "recipe.toml", "--system", SYSTEM
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    assert "frozen artists: " in done.output and SYSTEM in done.output
    reports = Workspace(joined / "ws").reports
    assert (reports / "real-music.txt").read_text() == done.output.rstrip("\n")
    left_out = call(*arguments, "--without-frozen")
    assert left_out.exit_code == 0, left_out.output
    assert "frozen artists: " not in left_out.output
    kept, choices = (
        json.loads((reports / name).read_text())
        for name in ("real-music.json", "real-music-choices.json")
    )
    assert [(split["split"], split["n_tracks"]) for split in kept] == [
        ("artist-cold", 16), ("frozen artists", 2)
    ]  # fmt: skip
    assert choices["split"] == "artist-cold" and set(choices["systems"]) == {
        SYSTEM, "random", "ALS fold-in"
    }  # fmt: skip


def test_a_mistaken_system_is_one_line(joined):
    recipe = joined / "recipe.toml"
    done = call("run", joined / "ws", joined, "--recipe", recipe, "--system", "magic")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ") and "magic" in done.output
