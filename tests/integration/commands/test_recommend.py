"""The command ``recommend``."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ..conftest import call
from ..helpers import answer_json, every, failed, made


def test_recommendations_leave_out_what_was_heard_unless_asked(finished, world):
    plays = pl.read_csv(world.plays_csv)
    user = plays["user_id"][0]
    heard = set(plays.filter(pl.col("user_id") == user)["track_id"])
    new = answer_json("-w", finished, "recommend", user, "-k", "10")
    assert new["user"] == user
    assert not heard & {hit["track_id"] for hit in new["results"]}
    everything = answer_json("-w", finished, "recommend", user, "-k", every(finished), "--heard")
    assert heard & {hit["track_id"] for hit in everything["results"]}


def test_a_listeners_vector_times_a_tracks_is_the_score_that_ranks(finished, world, tmp_path):
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    for what in ("embeddings", "user-factors", "track-factors"):
        assert call("-w", finished, "export", what, tmp_path / f"{what}.parquet").code == 0
    tracks = pl.read_parquet(tmp_path / "embeddings.parquet")
    users = pl.read_parquet(tmp_path / "user-factors.parquet")
    assert tracks.columns == ["track_id", "vector"] and users.columns == ["user_id", "vector"]
    assert tracks.schema["vector"] == pl.List(pl.Float32)
    vector = np.array(users.filter(pl.col("user_id") == user)["vector"][0])
    by_id = dict(zip(tracks["track_id"], tracks["vector"], strict=True))
    hits = answer_json("-w", finished, "recommend", user, "-k", "20")["results"]
    for hit in hits:
        assert hit["score"] == pytest.approx(vector @ np.array(by_id[hit["track_id"]]), abs=1e-5)


def test_each_space_answers_by_the_vectors_it_is_made_of(finished, world, tmp_path):
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    for what in ("embeddings", "user-factors", "track-factors"):
        assert call("-w", finished, "export", what, tmp_path / f"{what}.parquet").code == 0
    users, factors, blend = (
        dict(pl.read_parquet(tmp_path / f"{what}.parquet").iter_rows())
        for what in ("user-factors", "track-factors", "embeddings")
    )
    vector = np.array(users[user])
    orders = {}
    for space in ("blend", "content", "listening"):
        answer = answer_json(
            "-w", finished, "recommend", user, "-k", every(finished), "--space", space
        )
        assert answer["space"] == space
        orders[space] = [hit["track_id"] for hit in answer["results"]]
        if space != "content":
            served = blend if space == "blend" else factors
            for hit in answer["results"]:
                expected = vector @ np.array(served[hit["track_id"]])
                assert hit["score"] == pytest.approx(expected, abs=1e-5)
    assert orders["blend"] != orders["content"] != orders["listening"]
    assert set(orders["listening"]) <= set(factors) & set(blend)


def test_the_dial_turns_from_gems_to_hits(finished, world):
    counts = dict(pl.read_csv(world.plays_csv)["track_id"].value_counts().iter_rows())
    users = pl.read_csv(world.plays_csv)["user_id"].unique(maintain_order=True)[:12]
    mean = []
    for dial in ("-1", "0", "1"):
        hits = [
            hit["track_id"]
            for user in users
            for hit in answer_json(
                "-w", finished, "recommend", user, "-k", "5", "--popularity", dial
            )["results"]
        ]
        mean.append(np.mean([counts.get(track, 0) for track in hits]))
    assert mean == sorted(mean) and mean[0] < mean[-1]


def test_a_listener_with_no_history(workspace, tmp_path, world):
    """One play is no history: the listener has no vector, and is told so."""
    track = world.plays_csv.read_text().splitlines()[1].split(",")[1]
    file = tmp_path / "new.csv"
    file.write_text(f"user_id,track_id,plays\nnewcomer,{track},1\n")
    assert call("-w", workspace, "plays", file).code == 0
    before = made(workspace)
    failed(call("-w", workspace, "recommend", "newcomer"), "newcomer")
    failed(call("-w", workspace, "recommend", "nobody at all"), "unknown listener")
    assert made(workspace) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name a USER"),
        (["--session", "t000001", "-o", "x.m3u8"], "leave --session out"),
        (["me", "--session", "t000001", "--per-artist", "1"], "leave --session out"),
        (["me", "--session", "t000001", "--year", "1990-"], "leave --session out"),
    ],
)
def test_what_does_not_go_together(finished, arguments, words):
    failed(call("-w", finished, "recommend", *arguments), words, code=2)


def test_a_recommendation_is_a_playlist_too(listened, tmp_path):
    out = tmp_path / "for-me.m3u8"
    answer = call("-w", listened, "recommend", "spotify", "-k", "5", "-o", out)
    assert answer.code == 0, answer.err
    assert len(answer.out.splitlines()) >= 5 and out.read_text().count("#EXTINF") == 5
    assert call("-w", listened, "recommend", "spotify", "-o", tmp_path / "x.doc").code == 2
