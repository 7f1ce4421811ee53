"""Listening that comes in by the server: stored at once, and plays at the next run."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import polars as pl
import pytest

from audiorec.data.plays import load_plays
from audiorec.data.server import (
    ServerStore,
    forget_listener,
    is_pending,
    listening_store,
    store_server_plays,
)
from audiorec.data.server.store import FILE
from audiorec.exceptions import ParameterError, WorkspaceError
from audiorec.pipeline import forget
from audiorec.serve.listening import Listening, play_or_skip

from ...waiting import wait_until

API = "/api/v1"


@pytest.fixture
def listening(workspace):
    listening = Listening(workspace, listening_store(workspace))
    yield listening
    listening.stop()


def stored(workspace, user: str = "me", track: str = "t05") -> pl.DataFrame:
    plays = load_plays(workspace.plays)
    return plays.filter((pl.col("user_id") == user) & (pl.col("track_id") == track))


def test_one_rule_says_what_is_a_play():
    cases = {(None, 0): "play", (100, 200): "play", (99, 200): "", (29, 200): "skip",
             (240, 3600): "play", (239, 3600): "", (10, 16): "play", (30, 0): "play",
             (29, 0): "skip", (0, 200): "skip"}  # fmt: skip
    for (seconds, duration), wanted in cases.items():
        assert play_or_skip(seconds, duration) == wanted, (seconds, duration)


def test_ratings_are_from_0_to_5(listening):
    for n_stars in (-1, 6):
        with pytest.raises(ParameterError, match=f"rating={n_stars} must be from 0 to 5"):
            listening.rate("me", "t05", n_stars)


def test_what_is_playing_now_is_bounded(listening, monkeypatch):
    monkeypatch.setattr("audiorec.serve.listening.MOST_NOW_PLAYING", 2)
    for user, track_id in (("ann", "t01"), ("bob", "t02"), ("bob", "t03"), ("cy", "t04")):
        listening.now_playing(user, track_id)
    assert [(now.user, now.track_id) for now in listening.playing_now()] == [
        ("cy", "t04"),
        ("bob", "t03"),
    ]


def test_the_api_stores_ratings_and_takes_stars_back(client):
    def say(**body):
        answer = client.post(f"{API}/listening", json={"id": "t05", **body}).json()
        return answer["stored"], answer["liked"], answer["stars"]

    assert say(kind="star") == ("rating", True, 0)
    assert say(kind="rate", stars=4) == ("rating", True, 4)
    assert say(kind="unstar") == ("rating", False, 4)
    assert client.get(f"{API}/listening", params={"id": "t05"}).json()["stars"] == 4


def test_what_is_said_last_of_a_track_counts(workspace, listening):
    listening.like("me", "t05")
    listening.rate("me", "t05", 4)
    assert listening.opinion("me", "t05")[:3] == (True, False, 4)
    assert list(listening.starred("me", "track")) == ["t05"]
    listening.dislike("me", "t05")
    assert listening.opinion("me", "t05")[:3] == (False, True, 4)
    listening.unstar("me", "track", "t05")  # which is no star
    assert listening.store_pending() == 3
    assert stored(workspace)["rating"].to_list() == [-1.0]
    listening.clear("me", "t05")
    listening.store_pending()
    assert not len(stored(workspace))
    listening.rate("me", "t05", 5)
    listening.store_pending()
    assert stored(workspace)["rating"].to_list() == [1.0]


def test_albums_and_artists_are_starred(listening):
    listening.star("me", "album", "x")
    listening.star("me", "album", "x")
    assert list(listening.starred("me", "album")) == ["x"] and not listening.starred("ann", "album")
    listening.unstar("me", "album", "x")
    assert not listening.starred("me", "album")


def test_a_play_that_lies_ahead_is_one_of_now(listening):
    listening.played("me", "t05", at=4_000_000_000)
    assert listening.counts("me")["t05"].last <= time.time()


def test_plays_and_skips_become_plays(workspace, listening):
    assert listening.played("me", "t05", at=1_700_000_000) == "play"
    assert listening.played("me", "t05", seconds=5, duration=200, at=1_700_001_000) == "skip"
    assert listening.played("me", "t05", seconds=80, duration=200, at=1_700_002_000) == ""
    assert listening.counts("me")["t05"] == (1, 1_700_000_000)
    assert listening.store_pending() == 2 and listening.store_pending() == 0
    found = stored(workspace).sort("timestamp")
    assert found["timestamp"].to_list() == [1_700_000_000, 1_700_001_000]
    assert found["skipped"].to_list() == [0.0, 1.0]
    assert len(load_plays(workspace.plays)) == 14  # those that were imported too


def test_taken_in_twice_counts_once(workspace, listening, monkeypatch):
    """As where the server is killed between the plays and its own file."""
    listening.played("me", "t05", at=1_700_000_000)
    listening.like("me", "t07")
    from audiorec.data.server import listening as server_listening

    rows = []
    store = server_listening._store_plays
    monkeypatch.setattr(
        server_listening, "_store_plays", lambda w, r: (rows.append(r), store(w, r))
    )
    listening.store_pending()
    store(workspace, rows[0])
    assert len(stored(workspace)) == 1 and len(stored(workspace, track="t07")) == 1


def test_pseudonyms_stay_pseudonyms(workspace, listening):
    workspace.salt()
    from audiorec.data.plays import writing_plays
    from audiorec.data.plays.pseudonyms import pseudonymised

    salt = workspace.salt()
    plays = load_plays(workspace.plays)
    with writing_plays(workspace.plays) as writer:
        writer.drop(*list(writer.parts))
        writer.put("part-a.parquet", pseudonymised(plays.lazy(), salt=salt).collect(),
                   source="csv", file="")  # fmt: skip
        writer.commit()
    listening.like("me", "t05")
    listening.store_pending()
    assert not len(load_plays(workspace.plays).filter(pl.col("user_id") == "me"))
    assert not len(stored(workspace)) and load_plays(workspace.plays)["user_id"].n_unique() == 2


def test_a_like_is_in_the_plays_soon(client, workspace):
    said = client.post(f"{API}/listening", json={"kind": "like", "id": "t05"}).json()
    assert said == {"user": "me", "track_id": "t05", "stored": "rating", "liked": True,
                    "disliked": False, "stars": 0}  # fmt: skip
    played = {"kind": "play", "id": "t07", "seconds": 2.0}
    assert client.post(f"{API}/listening", json=played).json()["stored"] == "play"
    unknown = client.post(f"{API}/listening", json={"kind": "like", "id": "nothing"})
    assert unknown.status_code == 404
    wait_until(lambda: len(stored(workspace)) and len(stored(workspace, track="t07")))
    assert client.get(f"{API}/similar", params={"seed": "t05"}).status_code == 200


def test_a_run_takes_in_what_a_killed_server_left(workspace, listening):
    listening.like("me", "t05")
    with workspace.writing():
        with pytest.raises(WorkspaceError, match="in use"):
            listening.store_pending()
        assert not listening._try_store_pending()  # which tries again later
        assert store_server_plays(workspace) == 1  # as 'audiorec run' does
    assert stored(workspace)["rating"].to_list() == [1.0]
    assert not is_pending(listening_store(workspace))


def test_forgotten_everywhere(workspace, listening):
    for user in ("me", "ann"):
        listening.like(user, "t05")
        listening.played(user, "t05")
        listening.star(user, "artist", "x")
    assert forget(workspace, "ann").rows == 6 + 2 + 1 + 1 + 1
    assert not listening.opinions("ann") and not listening.counts("ann")
    assert listening.opinions("me") and listening.starred("me", "artist")
    assert forget_listener(workspace.root / "nothing.sqlite", "me") == 0


KILLED = """
import sys
from pathlib import Path
from audiorec.data.server.listening import listening_store
from audiorec.serve.listening import Listening
from audiorec.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
listening = Listening(workspace, listening_store(workspace))
number = 0
while True:
    listening.like("me", f"t{number}")
    print(number, flush=True)
    number += 1
"""


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(workspace):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(workspace.root)], stdout=subprocess.PIPE
    )
    lines = [process.stdout.readline() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged = int((lines + process.stdout.read().splitlines())[-1])
    process.wait()
    listening = Listening(workspace, listening_store(workspace))
    liked = listening.starred("me", "track")
    assert {f"t{n}" for n in range(acknowledged + 1)} <= set(liked)
    assert listening.store_pending() >= 20


def test_a_disk_that_is_full_stores_nothing_and_says_so(workspace):
    store = listening_store(workspace)
    listening = Listening(workspace, store)
    listening.like("me", "t01")
    with store.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(WorkspaceError, match="full"):
        for number in range(1000):
            listening.like("me", f"t{number:02d}" * 50)
    listening.like("me", "t02")  # there is room again: the file was opened anew
    assert {"t01", "t02"} <= set(listening.starred("me", "track"))


def test_a_folder_that_is_gone_stores_nothing_and_says_so(workspace, tmp_path):
    listening = Listening(workspace, listening_store(workspace))
    listening.like("me", "t01")
    workspace.root.rename(tmp_path / "elsewhere")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        listening.like("me", "t02")
    assert not workspace.root.exists()
    (tmp_path / "elsewhere").rename(workspace.root)
    listening.like("me", "t03")
    assert set(listening.starred("me", "track")) == {"t01", "t03"}


def test_a_store_that_cannot_be_written_is_read(workspace, tmp_path):
    listening = Listening(workspace, listening_store(workspace))
    listening.like("me", "t01")
    listening._store.close()
    read_only = sqlite3.connect(workspace.root / FILE)
    read_only.execute("PRAGMA journal_mode = DELETE")
    read_only.close()

    class ReadOnly(ServerStore):
        def _open_writer(self):
            raise OSError("read-only file system")

    store = ReadOnly(workspace.root / FILE)
    store.ensure("CREATE TABLE IF NOT EXISTS later (user TEXT);")
    listening = Listening(workspace, store)
    assert list(listening.starred("me", "track")) == ["t01"]
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)
    with pytest.raises(WorkspaceError, match="read-only"):
        listening.like("me", "t02")
