"""Every kind of history, from import through run to answers; and what people do with listening."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from .conftest import call, spawn

FIXTURES = Path(__file__).parents[1] / "data" / "histories"
SONGS = {
    "Nina Simone/I Put a Spell on You/04 Feeling Good.wav": ("Nina Simone", "Feeling Good", 177),
    "Björk/Homogenic/02 Jóga.wav": ("Björk", "Jóga", 305),
    "The Beatles/Abbey Road/07 Here Comes the Sun.wav": ("The Beatles", "Here Comes the Sun", 185),
    "Radiohead/Kid A/08 Idioteque.wav": ("Radiohead", "Idioteque", 309),
}
LONE = (
    "spotify", "spotify-short", "listenbrainz", "rockbox", "itunes", "apple-music",
    "youtube-music", "jellyfin", "foobar2000", "mpd", "beets",
)  # fmt: skip
SR = 8000


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
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


@pytest.fixture(scope="module")
def listened(world, music, exports, recipe, tmp_path_factory) -> Path:
    """A workspace in which every history was imported and every stage has run."""
    path = tmp_path_factory.mktemp("listened") / "workspace"
    for manifest in (world.tracks_csv, music / "tracks.csv"):
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
    shutil.copy(exports / "m3u" / "evening.m3u8", music / "list.m3u8")
    assert call("-w", path, "plays", music / "list.m3u8").code == 0
    assert call("-w", path, "plays", exports / "csv").code == 0
    small = path.parent / "small.toml"
    limits = "[factors]\nmin_tracks_per_user = 1\nmin_users_per_track = 1\n"
    small.write_text(recipe.read_text().replace("[factors]\n", limits))
    answer = call("-w", path, "run", small)
    assert answer.code == 0, answer.err
    return path


@pytest.mark.parametrize(
    "user", [*LONE, "lastfm", "anna", "ben", "evening", "morning", "list", "someone"]
)
def test_every_history_leads_to_answers(listened, user):
    answer = call("-w", listened, "recommend", user, "-k", "3", "--json")
    assert answer.code == 0, answer.err
    assert len(json.loads(answer.out)["results"]) == 3


def test_status_counts_listening(listened):
    held = json.loads(call("-w", listened, "status", "--json").out)
    assert held["tracks"] < held["tracks_with_listening"], "some of it has no audio"
    assert held["listeners"] > 150 and held["plays"] > held["listeners"]


def test_a_recommendation_is_a_playlist_too(listened, tmp_path):
    out = tmp_path / "for-me.m3u8"
    answer = call("-w", listened, "recommend", "spotify", "-k", "5", "-o", out)
    assert answer.code == 0, answer.err
    assert len(answer.out.splitlines()) >= 5 and out.read_text().count("#EXTINF") == 5
    assert call("-w", listened, "recommend", "spotify", "-o", tmp_path / "x.doc").code == 2


@pytest.fixture
def workspace(listened, tmp_path) -> Path:
    path = tmp_path / "workspace"
    shutil.copytree(listened, path)
    return path


def test_a_listener_is_forgotten_everywhere(workspace):
    answer = call("-w", workspace, "forget-user", "jellyfin", "--json")
    assert answer.code == 0, answer.err
    gone = json.loads(answer.out)
    assert gone["rows"] > 0 and gone["factors"]
    left = b"".join(path.read_bytes() for path in workspace.rglob("*") if path.is_file())
    assert "jellyfin".encode("utf-32-le") not in left, "in the ids of the factors"
    assert call("-w", workspace, "recommend", "jellyfin").code == 1
    assert call("-w", workspace, "forget-user", "jellyfin").code == 1
    again = call("-w", workspace, "recommend", "lastfm")
    assert again.code == 1 and "run 'audiorec run' again" in again.err, "it is to be learned anew"


def test_likes_and_dislikes(workspace):
    answer = call("-w", workspace, "feedback", "dislike", "Nina Simone - Feeling Good")
    assert answer.code == 0 and answer.out.startswith("me: dislike Nina Simone - Feeling Good")
    assert "feedback" in call("-w", workspace, "plays", "list").out
    assert call("-w", workspace, "feedback", "clear", "song-0", "--user", "me").code == 0
    assert call("-w", workspace, "feedback", "clear", "song-0").code == 1
    assert call("-w", workspace, "feedback", "like", "nothing like it at all").code == 1


def test_unmatched_listening_is_mended(music, exports, tmp_path):
    workspace, file = tmp_path / "w", tmp_path / "unmatched.csv"
    call("-w", workspace, "scan", "--manifest", music / "tracks.csv")
    answer = call("-w", workspace, "plays", exports / "spotify", "--unmatched", file, "--json")
    about = json.loads(answer.out)
    assert about["unmatched_names"] == 2 and about["matched"] == {"name": 4}
    assert about["largest_unmatched"][0] == ["Daft Punk - One More Time", 2]
    file.write_text(file.read_text().replace("Discovery,", "Discovery,song-3"))
    answer = call("-w", workspace, "plays", "--unmatched", file)
    assert answer.out == "1 names mended by hand, 1 unmatched\n"
    file.write_text("a,b\n1,2\n")
    answer = call("-w", workspace, "plays", "--unmatched", file)
    assert answer.code == 1 and "lacks the column key" in answer.err
    assert file.read_text() == "a,b\n1,2\n", "what is no such list is not written over"


def test_what_was_not_there_is_found_by_the_next_scan(music, exports, tmp_path):
    workspace = tmp_path / "w"
    assert call("-w", workspace, "plays", exports / "spotify").code == 0
    assert call("-w", workspace, "scan", "--manifest", music / "tracks.csv").code == 0
    answer = call("-w", workspace, "plays", "--unmatched", tmp_path / "u.csv", "--json")
    held = json.loads(answer.out)
    assert held["unmatched_names"] == 2


def test_pseudonyms(exports, tmp_path):
    workspace = tmp_path / "w"
    answer = call("-w", workspace, "plays", exports / "spotify", "--user", "anna", "--pseudonymise")
    assert answer.code == 0, answer.err
    assert "anna" not in answer.out
    secret = workspace / ".pseudonyms"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert not any(b"anna" in p.read_bytes() for p in workspace.rglob("*") if p.is_file())
    answer = call("-w", workspace, "forget-user", "anna")
    assert answer.code == 0, "people say the name"


def test_a_killed_import_leaves_the_plays_as_they_were(exports, tmp_path):
    workspace = tmp_path / "w"
    assert call("-w", workspace, "plays", exports / "mpd").code == 0
    before = call("-w", workspace, "plays", "list").out
    row = {"endTime": "2024-01-02 10:03", "artistName": "X", "trackName": "Y", "msPlayed": 177000}
    big = tmp_path / "StreamingHistory_music_0.json"
    big.write_text("[" + ",".join([json.dumps(row)] * 300_000) + "]")
    process = spawn("-w", workspace, "plays", big)
    with pytest.raises(Exception, match="timed out"):
        process.wait(timeout=3)
    process.kill()
    process.wait()
    assert call("-w", workspace, "plays", "list").out == before


def test_wrong_usage(exports, tmp_path):
    workspace = tmp_path / "w"
    for arguments in (
        [], [exports / "mpd", "--source", "tape"], [exports / "mpd", "--user", " "],
        [exports / "csv", "--user", "x"], [exports / "mpd", "--neutral", "3"],
    ):  # fmt: skip
        assert call("-w", workspace, "plays", *arguments).code == 2
    assert not workspace.exists(), "nothing is left of it"
    answer = call("-w", tmp_path / "other", "plays", exports / "csv")
    assert answer.err.startswith(f"{exports / 'csv'}: audiorec's own table of plays (--source csv)")
    for arguments in (["list"], ["remove", "mpd"]):
        assert call("-w", workspace, "plays", *arguments).code == 1


def test_help_says_how_to_get_each_format():
    from audiorec.data.histories import SOURCES

    said = call("plays", "--help").out
    assert all(f"\n  {source} " in said for source in SOURCES)
    assert "list " in said and "remove " in said
