"""The demo world on disk."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from audiorec.demo import World, make_world, synthesizer_install
from audiorec.demo.world import WORLD_FILE
from audiorec.exceptions import AudiorecError, ParameterError

from ...loaded_modules import modules_loaded_by

SIZE = {"n_tracks": 6, "n_artists": 3, "n_listeners": 20}


def digests(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("demo") / "world", **SIZE, n_jobs=1)


def by_kind(world: World, kind: str) -> list[dict[str, str]]:
    truth = np.load(world.truth, allow_pickle=False)
    wanted = set(truth["track_ids"][truth["kind"] == kind])
    return [row for row in rows(world.tracks_csv) if row["track_id"] in wanted]


def decode(world: World, row: dict[str, str]) -> np.ndarray:
    import soundfile

    samples, _ = soundfile.read(world.directory / row["path"], dtype="float32", always_2d=True)
    return np.asarray(samples)


def test_same_seed_same_bytes_on_any_number_of_cores(world: World, tmp_path: Path) -> None:
    again = make_world(tmp_path / "again", **SIZE, n_jobs=2)
    assert digests(again.directory) == digests(world.directory)
    assert again[5:] == world[5:]


def test_a_complete_world_is_left_alone(world: World) -> None:
    before = {p: p.stat().st_mtime_ns for p in world.directory.rglob("*")}
    calls: list[tuple[int, int]] = []
    assert make_world(world.directory, **SIZE, progress=lambda *n: calls.append(n)) == world
    assert {p: p.stat().st_mtime_ns for p in world.directory.rglob("*")} == before
    assert calls == [(16, 16)]


def test_a_killed_world_is_finished(world: World, tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(world.directory, torn)
    files = sorted(p for p in torn.rglob("t0*") if p.is_file())
    files[0].unlink()
    files[2].rename(files[2].with_name(files[2].name + ".part"))
    (torn / "plays.csv").unlink()
    kept = files[1].stat().st_mtime_ns
    make_world(torn, **SIZE, n_jobs=1)
    assert files[1].stat().st_mtime_ns == kept
    assert digests(torn) == digests(world.directory)


def test_another_world_is_refused(world: World) -> None:
    with pytest.raises(ParameterError, match=r"seed=0 instead of 1.*choose another directory"):
        make_world(world.directory, **SIZE, seed=1)


@pytest.mark.parametrize("content", ["", "{", "[]", "7"])
def test_a_directory_that_does_not_say_which_world_it_holds(tmp_path: Path, content: str) -> None:
    (tmp_path / WORLD_FILE).write_text(content)
    with pytest.raises(ParameterError, match=rf"holds another demo world \({WORLD_FILE} cannot be"):
        make_world(tmp_path, **SIZE)


def test_a_directory_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ParameterError, match="is not empty and holds no demo world"):
        make_world(tmp_path, **SIZE)
    with pytest.raises(ParameterError, match="is a file"):
        make_world(tmp_path / "mine.txt", **SIZE)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_tracks": 3, "n_artists": 1}, "n_tracks=3 must be an integer of at least 4"),
        ({"n_artists": 0}, "n_artists=0 must be"),
        ({"n_artists": 9}, "n_artists=9 must be at most n_tracks=6"),
        ({"n_listeners": -1}, "n_listeners=-1 must be"),
        ({"n_listeners": 1.5}, "n_listeners=1.5 must be an integer"),
        ({"seed": -1}, "seed=-1 must be"),
        ({"n_jobs": 0}, "n_jobs=0 must be"),
    ],
)
def test_impossible_arguments(tmp_path: Path, wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make_world(tmp_path / "world", **{**SIZE, **wrong})
    assert not (tmp_path / "world").exists()


def test_a_synthesizer_that_cannot_be_fetched_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(command: list[str], **_options: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setenv("AUDIOREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(synthesizer_install.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(synthesizer_install.subprocess, "run", refuse)
    with pytest.raises(AudiorecError, match=r"pip install --no-deps tinysoundfont=="):
        make_world(tmp_path / "world", **SIZE)
    monkeypatch.setattr(synthesizer_install, "ensure_tinysoundfont", lambda: None)
    with pytest.raises(AudiorecError, match=r"pip install --no-deps pretty_midi=="):
        synthesizer_install.find_soundfont()
    assert not list((tmp_path / "cache").iterdir())


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = {"tinysoundfont", "pretty_midi", "scipy.fft", "soundfile", "mutagen", "torch"}
    assert not modules_loaded_by("import audiorec.demo") & heavy


def test_tables_are_well_formed(world: World) -> None:
    tracks, plays = rows(world.tracks_csv), rows(world.plays_csv)
    assert list(tracks[0]) == ["track_id", "path", "artist", "title", "album", "year", "genre"]
    assert list(plays[0]) == ["user_id", "track_id", "plays", "timestamp"]
    assert len(tracks) == world.n_tracks == len({t["track_id"] for t in tracks})
    assert all((world.directory / t["path"]).is_file() for t in tracks)
    assert {p["track_id"] for p in plays} <= {t["track_id"] for t in tracks}
    assert sum(int(p["plays"]) for p in plays) == world.n_plays
    assert len({p["user_id"] for p in plays}) == world.n_listeners
    assert {Path(t["path"]).suffix for t in tracks} == {".mp3", ".flac", ".ogg"}
    assert json.loads((world.directory / "world.json").read_text())["seed"] == 0


def test_truth_loads_without_pickle(world: World) -> None:
    truth = np.load(world.truth, allow_pickle=False)
    n = world.n_tracks
    assert [t["track_id"] for t in rows(world.tracks_csv)] == truth["track_ids"].tolist()
    assert truth["attributes"].shape == (n, len(truth["attribute_names"]))
    assert truth["attributes"].dtype == np.float32
    assert truth["taste"].shape == (len(truth["user_ids"]), len(truth["audible_names"]))
    for name in ("kind", "scene", "log_fame", "released", "genre"):
        assert truth[name].shape == (n,)


def test_tracks_sound_and_do_not_clip(world: World) -> None:
    from mutagen import File

    for row in by_kind(world, "track"):
        y = decode(world, row)
        sr = File(world.directory / row["path"]).info.sample_rate
        assert len(y) / sr == pytest.approx(30.0, abs=0.1)
        assert 0.02 < np.sqrt((y**2).mean()) < 0.4
        assert np.abs(y).max() <= 1.0


def test_tags_agree_with_the_table(world: World) -> None:
    from mutagen import File

    for row in by_kind(world, "track"):
        tags = File(world.directory / row["path"], easy=True)
        for name in ("artist", "title", "album", "genre"):
            assert tags[name] == [row[name]]
        assert tags["date"] == [row["year"]]


def test_planted_copies_are_the_same_recording(world: World) -> None:
    truth = np.load(world.truth, allow_pickle=False)
    table = {row["track_id"]: row for row in rows(world.tracks_csv)}
    copies = by_kind(world, "duplicate")
    source_of = dict(zip(truth["track_ids"], truth["duplicate_of"], strict=True))
    same_bytes = 0
    for copy in copies:
        source = table[source_of[copy["track_id"]]]
        np.testing.assert_array_equal(decode(world, copy), decode(world, source))
        assert copy["artist"] == source["artist"]
        assert copy["title"] != source["title"]
        assert copy["album"] != source["album"]
        paths = [world.directory / row["path"] for row in (copy, source)]
        same_bytes += paths[0].read_bytes() == paths[1].read_bytes()
    assert len(copies) == 3
    assert same_bytes == 1


def test_other_planted_files(world: World) -> None:
    import soundfile

    (live,), (mix,) = by_kind(world, "live"), by_kind(world, "mix")
    (silent,), (broken,) = by_kind(world, "silent"), by_kind(world, "broken")
    assert live["title"].endswith("(Live)")
    assert mix["artist"] == "Various"
    assert len(decode(world, mix)) >= 2 * 30 * 22_050
    assert not decode(world, silent).any()
    with pytest.raises(soundfile.LibsndfileError):
        decode(world, broken)


def test_held_back_files_are_in_no_table(world: World) -> None:
    held = [p for p in world.held_back.rglob("*") if p.is_file()]
    assert len(held) == 3
    assert not {p.name for p in held} & {Path(t["path"]).name for t in rows(world.tracks_csv)}


def test_another_seed_is_another_world(world: World) -> None:
    from audiorec.demo import plan_music
    from audiorec.demo.compose import compose

    mine, other = (plan_music(6, n_artists=3, seed=s).entries[0] for s in (0, 1))
    assert mine.title != other.title
    assert compose(mine.parts[0]) != compose(other.parts[0])


def test_sessions_change_the_listening_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiorec.demo.world._render_all", lambda *_args, **_options: ())
    other = make_world(tmp_path / "sessions", **SIZE, sessions=True, n_jobs=1)
    mine, theirs = digests(world.directory), digests(other.directory)
    assert mine["tracks.csv"] == theirs["tracks.csv"]
    assert mine["plays.csv"] != theirs["plays.csv"]
    assert "sessions" not in (world.directory / "world.json").read_text()
    table = rows(other.plays_csv)
    assert set(table[0]) == {"user_id", "track_id", "plays", "timestamp", "skipped"}
    truth = np.load(other.truth, allow_pickle=False)
    assert truth["mood_plane"].shape == (len(truth["track_ids"]), 2)
    for name in ("play_session", "play_mood", "play_direction"):
        assert truth[name].shape == (len(table),)
    with pytest.raises(ParameterError, match="holds another demo world"):
        make_world(other.directory, **SIZE)
