"""The command ``dataset``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.data.catalog import Catalog
from audiorec.data.datasets import NAMES, dataset
from audiorec.pipeline import Recipe

from ..helpers import kill_while_plays_are_written

ROOT = Path(__file__).parents[3]
DATASETS = ROOT / "tests" / "data" / "datasets"


@pytest.fixture
def fixture(tmp_path):
    """Makes a copy of a set's fixture."""
    return lambda name: Path(shutil.copytree(DATASETS / name, tmp_path / name))


@pytest.fixture
def audiorec(tmp_path):
    """Runs a command in a workspace of the test's own."""

    def run(*args, code=0):
        result = CliRunner().invoke(cli, ["-w", str(tmp_path / "ws"), *map(str, args)])
        error = result.exception
        assert result.exit_code == code, (result.output, error)
        return result if code else result.stdout

    return run


def test_hetrec_counts(audiorec, fixture):
    folder = fixture("hetrec")
    told = json.loads(audiorec("dataset", "hetrec", folder, "--json"))
    assert (told["rows"], told["users"], told["tracks"], told["skipped"]) == (4, 3, 2, 1)
    assert told["left_out"] == {"rows of no plays": 1}
    held = json.loads(audiorec("status", "--json"))
    counts = ("tracks", "tracks_with_listening", "listeners", "plays")
    assert [held[count] for count in counts] == [0, 2, 3, 13883 + 11690 + 316 + 7]
    (part,) = json.loads(audiorec("plays", "list", "--json"))
    assert part["source"] == "hetrec"
    audiorec("plays", "remove", "hetrec")
    assert json.loads(audiorec("plays", "list", "--json")) == []


def test_a_set_of_listening_alone_is_factorised(audiorec, tmp_path):
    """Two groups of listeners with ten tracks each: factors of one group lie together."""
    import numpy as np
    import polars as pl

    lines = [
        f"{user}\t1\t1\t{'ab'[user % 2]}{(user // 2 + step) % 10}\t{1_385_000_000 + step}\n"
        for user in range(30)
        for step in range(8)
    ]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "LFM-1b_LEs.txt").write_text("".join(lines))
    audiorec("dataset", "lfm-1b", tmp_path / "set")
    audiorec("factors", "--recipe", ROOT / "pipelines/datasets/listening.toml")
    audiorec("export", "track-factors", tmp_path / "out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet").sort("track_id")
    vectors = np.array(frame["vector"].to_list())
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = vectors @ vectors.T
    assert similar[:10, :10].min() > similar[:10, 10:].max()


def test_a_killed_import_leaves_the_plays_as_they_were(audiorec, tmp_path):
    folder, workspace = tmp_path / "set", tmp_path / "ws"
    folder.mkdir()
    file = folder / "LFM-1b_LEs.txt"
    file.write_text("".join(f"{user}\t1\t1\t7\t1385000000\n" for user in range(9)))
    audiorec("dataset", "lfm-1b", folder)
    before = audiorec("plays", "list", "--json")
    stored = {path: path.read_bytes() for path in (workspace / "plays").iterdir()}
    rows = (f"{n % 5000}\t1\t1\t{n % 7777}\t{1_385_000_000 + n}\n" for n in range(600_000))
    file.write_text("".join(rows))
    kill_while_plays_are_written(workspace, "dataset", "lfm-1b", folder)
    assert audiorec("plays", "list", "--json") == before
    assert {path: path.read_bytes() for path in stored} == stored
    assert json.loads(audiorec("dataset", "lfm-1b", folder, "--json"))["users"] == 5000
    assert not list((workspace / "plays").glob(".import-*")), "what it had begun is swept"


def test_what_was_imported_is_told(audiorec, fixture, tmp_path):
    told = audiorec("dataset", "hetrec", fixture("hetrec"))
    assert told == "4 rows of 3 listeners and 2 tracks; 0 tracks with audio\n"
    folder = fixture("fma")
    (folder / "000").mkdir()
    (folder / "000" / "000002.mp3").write_bytes(b"")
    lines = CliRunner().invoke(cli, ["-w", str(tmp_path / "ws"), "dataset", "fma", str(folder)])
    assert lines.exit_code == 0, lines.output
    assert lines.stdout == "fma has no listening; 1 tracks with audio\n"
    assert "its audio is not scanned yet: --manifest FILE.csv" in lines.stderr


def test_list_has_every_set(audiorec):
    listed = json.loads(audiorec("dataset", "list", "--json"))
    assert [about["name"] for about in listed] == list(NAMES)
    for about in listed:
        assert about["title"] and about["paper"] and about["terms"] and about["files"]
        assert about["origin"].startswith("http")
    text = audiorec("dataset", "list")
    assert all(f"{name}: {dataset(name).TITLE}" in text for name in NAMES)


def test_check(audiorec, fixture):
    folder = fixture("hetrec")
    told = json.loads(audiorec("dataset", "check", "hetrec", folder, "--json"))
    assert told["ok"] and told["missing"] == [] == told["wrong"]
    assert "found     user_artists.dat" in audiorec("dataset", "check", "hetrec", folder)
    (folder / "user_artists.dat").unlink()
    result = audiorec("dataset", "check", "hetrec", folder, code=1)
    assert "missing   user_artists.dat (counts)" in result.stdout
    result = audiorec("dataset", "hetrec", folder, code=1)
    assert "dataset check hetrec" in str(result.exception)


def test_names_that_are_none(audiorec, tmp_path):
    result = audiorec("dataset", "hetrek", tmp_path, code=2)
    assert "did you mean 'hetrec'?" in result.output
    assert "is not there" in str(audiorec("dataset", "hetrec", tmp_path / "no", code=1).exception)


def test_manifest_is_one_that_scan_reads(audiorec, fixture, tmp_path):
    from audiorec.scan import read_manifest

    folder = fixture("msd")
    audio = folder / "TRBBBBB128F0000002.mp3"
    audio.write_bytes(b"")
    audiorec("dataset", "msd", folder, "--manifest", tmp_path / "tracks.csv")
    text = (tmp_path / "tracks.csv").read_text()
    assert text.splitlines()[1].endswith('Someone,"Two, with a comma",,,')
    assert read_manifest(tmp_path / "tracks.csv")


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines/datasets").glob("*.toml")), ids=str)
def test_recipes_of_data_sets_load(path):
    assert Recipe.load(path)


@pytest.mark.parametrize("name", [name for name in NAMES if dataset(name).LISTENING])
def test_every_set_of_listening_leads_to_factors(audiorec, fixture, tmp_path, name):
    """Whatever few rows a fixture has: from import through run to vectors that others can read."""
    import polars as pl

    if name == "yambda":  # Parquet, which is no text to keep beside the tests
        folder = tmp_path / name
        folder.mkdir()
        columns = {"uid": [1, 1, 2], "item_id": [5, 6, 5], "timestamp": [0, 5, 10]}
        shares = {"played_ratio_pct": [100, 60, 120], "track_length_seconds": [200, 200, 200]}
        pl.DataFrame(columns | shares).write_parquet(folder / "listens.parquet")
    else:
        folder = fixture(name)
    told = json.loads(audiorec("dataset", name, folder, "--json"))
    assert told["rows"] > 0
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        "[factors]\nfactors = 2\nmin_tracks_per_user = 1\nmin_users_per_track = 1\n"
        "[sessions]\nepochs = 1\n"
    )
    audiorec("run", recipe)
    audiorec("export", "track-factors", tmp_path / "out.parquet")
    held = json.loads(audiorec("status", "--json"))
    made = pl.read_parquet(tmp_path / "out.parquet")
    assert 0 < len(made) <= held["tracks_with_listening"]
    assert set(made.columns) == {"track_id", "vector"}


def test_tracks_without_audio_have_names(audiorec, tmp_path):
    """Playlists alone: the session by name, answers by name, and none by whom is excluded."""
    folder = tmp_path / "mpd"
    folder.mkdir()
    lists = [
        {"pid": pid, "tracks": [
            {"pos": pos, "track_uri": f"spotify:track:{(pid + pos) % 12}", "album_name": "",
             "artist_name": f"Artist {(pid + pos) % 12 // 2}", "track_name": f"T{(pid + pos) % 12}"}
            for pos in range(5)]}
        for pid in range(40)
    ]  # fmt: skip
    (folder / "mpd.slice.0-999.json").write_text(json.dumps({"playlists": lists}))
    audiorec("dataset", "million-playlist", folder)
    recipe = tmp_path / "small.toml"
    recipe.write_text("[factors]\nfactors = 2\n[sessions]\nepochs = 1\n")
    audiorec("run", recipe)
    ask = ("next", "artist 2 - t4", "-k", "11", "--json")
    answer = json.loads(audiorec(*ask))["results"]
    assert all(hit["title"] == f"T{hit['track_id'].rsplit(':', 1)[1]}" for hit in answer)
    artists = {hit["artist"] for hit in answer}
    assert len(answer) == 11 and "Artist 3" in artists and not any(hit["path"] for hit in answer)
    assert json.loads(audiorec("next", "T4", *ask[2:]))["results"] == answer
    (found,) = json.loads(audiorec("find", "ARTIST", "t7", "--json"))["results"]
    assert (found["track_id"], found["artist"], found["path"]) == (
        "spotify:track:7", "Artist 3", "",
    )  # fmt: skip
    assert audiorec("find", "artist t7") == "spotify:track:7  Artist 3 - T7\n"
    audiorec("exclude", "add", "--artist", "Artist 3")
    assert {hit["artist"] for hit in json.loads(audiorec(*ask))["results"]} == artists - {
        "Artist 3"
    }
    assert "no session has a track 'T99'" in str(audiorec("next", "T99", code=1).exception)


def test_spectrograms_enter_in_the_place_of_audio(audiorec, fixture, tmp_path):
    """Melon gives no audio: from its arrays to answers that name songs nobody has listed."""
    import numpy as np

    folder = fixture("melon")
    arrays = folder / "arena_mel"
    rng = np.random.default_rng(0)
    songs, lists = [], []
    for number in range(995, 1015):
        path = arrays / str(number // 1000) / f"{number}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        level = -20.0 - 3.0 * (number % 2) * np.arange(48)[:, None]
        np.save(path, (level + rng.normal(size=(48, 1876))).astype(np.float32))
        songs.append({"id": number, "song_name": f"Song {number}", "artist_name_basket": [
            f"Artist {number // 2}", "Guest"], "album_name": "A", "issue_date": "20000000",
            "song_gn_gnr_basket": ["GN0100"]})  # fmt: skip
    lists = [{"id": n, "songs": [996 + 2 * ((n + k) % 9) - n % 2 for k in range(5)]}
             for n in range(30)]  # fmt: skip
    (folder / "train.json").write_text(json.dumps(lists))
    (folder / "song_meta.json").write_text(json.dumps(songs))
    (folder / "genre_gn_all.json").write_text('{"GN0100": "발라드"}')
    np.save(arrays / "1" / "1015.npy", np.zeros((48, 900), np.float32))  # shorter, and unnamed
    (arrays / "1" / "1016.npy").write_bytes(b"")
    np.save(arrays / "1" / "1017.npy", np.full((48, 9), np.nan, np.float32))
    np.save(arrays / "1" / "1018.npy", np.zeros((96, 9), np.float32))
    np.save(arrays / "1" / "mean.npy", np.zeros(48))
    told = json.loads(audiorec("dataset", "melon", folder, "--json"))
    assert (told["audio"], told["catalogued"]) == (24, 24)
    with Catalog(tmp_path / "ws" / "catalog.sqlite", read_only=True) as catalog:
        song = catalog.get("melon-996")
    assert (song.title, song.year, song.genre) == ("Song 996", 2000, "발라드")
    recipe = folder / "melon.toml"
    settings = (ROOT / "pipelines/datasets/melon.toml").read_text()
    for old, new in [
        ("factors = 128", "factors = 4"), ("= 5\n", "= 1\n"), ("hidden = 512", "hidden = 16"),
        ("channels = 128", "channels = 16"), ("max_epochs = 30", "max_epochs = 1"),
    ]:  # fmt: skip
        settings = settings.replace(old, new)
    recipe.write_text(settings)
    audiorec("run", recipe)
    held = json.loads(audiorec("status", "--json"))
    assert (held["tracks"], held["failures"]) == (24, 3)
    reasons = audiorec("status", "--failures")
    assert "1016.npy is no array" in reasons and "1017.npy holds what is no level" in reasons
    assert "1018.npy has 96 bands and 9 frames, [mel] gives 48 and 1876" in reasons
    answer = json.loads(audiorec("similar", "melon-1014", "-k", "21", "--json"))
    named = {hit["track_id"]: hit for hit in answer["results"]}
    assert named["melon-996"]["artist"] == "Artist 498, Guest" and "melon-1015" in named
    assert audiorec("similar", "Song 1014", "-k", "1").split() == audiorec(
        "similar", "melon-1014", "-k", "1"
    ).split()  # fmt: skip
    again = audiorec("dataset", "melon", folder, "--json")
    assert json.loads(again)["catalogued"] == 24
    assert "mel      0 computed, 21 kept, 3 failed" in audiorec("run", recipe)
