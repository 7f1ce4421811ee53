"""A small demo world, and a workspace in which every stage has run on it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiorec.data.catalog import Autotags, Catalog
from audiorec.demo import make_world
from audiorec.recommend import Library

from .helpers import FIXTURES, LONE, SONGS, SR, WORDS, Answer, call, ring, spawn, tracks_csv

__all__ = ["Answer", "call", "spawn"]

RECIPE = """\
[factors]
factors = 8
[model]
channels = 16
hidden = 32
[train]
crop_seconds = 3.0
max_epochs = 4
patience = 4
device = "cpu"
[evaluate]
seeds = [0]
"""


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """48 tracks by 16 artists, 150 listeners."""
    directory = tmp_path_factory.mktemp("demo") / "world"
    return make_world(directory, n_tracks=48, n_artists=16, n_listeners=150, seed=3)


@pytest.fixture(scope="session")
def recipe(tmp_path_factory) -> Path:
    """Settings that train in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def scanned(world, tmp_path_factory) -> Path:
    """A workspace with the world's music and listening, no stage run yet."""
    path = tmp_path_factory.mktemp("scanned") / "workspace"
    answer = call("-w", path, "scan", "--manifest", world.tracks_csv)
    assert answer.code == 0, answer.err
    answer = call("-w", path, "plays", world.plays_csv)
    assert answer.code == 0, answer.err
    return path


@pytest.fixture(scope="session")
def finished(scanned, recipe, tmp_path_factory) -> Path:
    """A workspace in which every stage has run. Not to be changed: take `workspace`."""
    path = tmp_path_factory.mktemp("finished") / "workspace"
    shutil.copytree(scanned, path)
    answer = call("-w", path, "run", recipe)
    assert answer.code == 0, answer.err
    return path


@pytest.fixture
def workspace(finished, tmp_path) -> Path:
    """A copy of the finished workspace, to do with as one likes."""
    path = tmp_path / "workspace"
    shutil.copytree(finished, path)
    return path


@pytest.fixture(scope="session")
def some_track(world):
    return tracks_csv(world).row(5, named=True)


@pytest.fixture(scope="session")
def exports(tmp_path_factory) -> Path:
    """A copy of the fixtures; databases are made of their statements."""
    folder = tmp_path_factory.mktemp("exports") / "histories"
    shutil.copytree(FIXTURES, folder)
    for script in folder.rglob("*.sql"):
        with sqlite3.connect(script.with_suffix(".db")) as database:
            database.executescript(script.read_text(encoding="utf-8"))
        database.close()
        script.unlink()
    return folder


@pytest.fixture(scope="session")
def songs(tmp_path_factory) -> Path:
    """A folder with the songs that the histories name, as long as they are, and a manifest."""
    folder = tmp_path_factory.mktemp("music")
    rows = ["track_id,path,artist,title"]
    for number, (name, (artist, title, seconds)) in enumerate(SONGS.items()):
        path = folder / name
        path.parent.mkdir(parents=True)
        t = np.arange(seconds * SR) / SR
        tone = np.sin(2 * np.pi * 110 * (number + 2) * t) * (1 + np.sin(2 * np.pi * number * t))
        soundfile.write(path, (0.15 * tone).astype(np.float32), SR, subtype="PCM_U8")
        rows.append(f"song-{number},{name},{artist},{title}")
    (folder / "tracks.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def listened(world, songs, exports, recipe, tmp_path_factory) -> Path:
    """A workspace in which every history was imported and every stage has run."""
    path = tmp_path_factory.mktemp("listened") / "workspace"
    for manifest in (world.tracks_csv, songs / "tracks.csv"):
        answer = call("-w", path, "scan", "--manifest", manifest)
        assert answer.code == 0, answer.err
    assert call("-w", path, "plays", world.plays_csv).code == 0
    for source in LONE:
        answer = call("-w", path, "plays", exports / source, "--user", source)
        assert answer.code == 0, answer.err
        assert f"(--source {source.removesuffix('-short')})" in answer.err
    for file in sorted((exports / "lastfm").iterdir()):
        assert call("-w", path, "plays", file, "--user", "lastfm").code == 0
    for source in ("navidrome", "plex", "xspf", "jspf"):
        answer = call("-w", path, "plays", exports / source)
        assert answer.code == 0, answer.err
    shutil.copy(exports / "m3u" / "evening.m3u8", songs / "list.m3u8")
    assert call("-w", path, "plays", songs / "list.m3u8").code == 0
    assert call("-w", path, "plays", exports / "csv").code == 0
    small = path.parent / "small.toml"
    limits = "[factors]\nmin_tracks_per_user = 1\nmin_users_per_track = 1\n"
    small.write_text(recipe.read_text().replace("[factors]\n", limits))
    answer = call("-w", path, "run", small)
    assert answer.code == 0, answer.err
    return path


@pytest.fixture
def listened_copy(listened, tmp_path) -> Path:
    path = tmp_path / "workspace"
    shutil.copytree(listened, path)
    return path


@pytest.fixture(scope="session")
def with_sessions(finished, tmp_path_factory):
    """The finished workspace, listened to in sessions."""
    folder = tmp_path_factory.mktemp("next")
    shutil.copytree(finished, folder / "ws")
    (folder / "ring.csv").write_text(ring([f"t{number:06d}" for number in range(24)]))
    (folder / "short.toml").write_text("[sessions]\nepochs = 1\n")
    assert call("-w", folder / "ws", "plays", folder / "ring.csv").code == 0
    answer = call("-w", folder / "ws", "sessions", "--recipe", folder / "short.toml")
    assert answer.code == 0, answer.err
    return folder / "ws"


@pytest.fixture(scope="session")
def outside(world) -> Path:
    """An audio file that is not in the catalogue."""
    return next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())


@pytest.fixture
def not_audio(tmp_path) -> Path:
    """A folder of what looks like audio and is none."""
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "self.mp3").symlink_to("self.mp3")
    (folder / "dangling.mp3").symlink_to("nothing.mp3")
    os.mkfifo(folder / "pipe.wav")
    return folder


@pytest.fixture(scope="session")
def tagged(finished, tmp_path_factory):
    """A finished workspace with planted words: every track's are known."""
    path = tmp_path_factory.mktemp("tagged") / "workspace"
    shutil.copytree(finished, path)
    with Catalog(path / "catalog.sqlite") as catalog:
        for n, track in enumerate(catalog.tracks()):
            said = {word: 0.3 + n / 1000 for i, word in enumerate(WORDS) if n >> i & 1}
            autotags = Autotags(track.track_id, track.clip_hash, np.zeros(3, np.float32), said)
            catalog.tags.keep([autotags], source="musicnn-msd")
    return path


@pytest.fixture(scope="session")
def words(tagged):
    """Planted words of each track."""
    with Catalog(tagged / "catalog.sqlite", read_only=True) as catalog:
        found = catalog.tags.of([track.track_id for track in catalog.tracks()])
    return {id_: {t.tag for t in tags if t.source != "given"} for id_, tags in found.items()}


@pytest.fixture(scope="session")
def track(tagged, words):
    """A track with several words, that the index holds."""
    index = Library(tagged).index
    return max((id_ for id_ in words if id_ in index), key=lambda id_: (len(words[id_]), id_))
