"""One listener alone: the made listeners, and a taste in sound that sessions find."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from audiorec.metrics import auc, rank
from audiorec.models.content_model import CONTENT_BLOCKS, RIDGE_BLOCKS
from audiorec.models.frozen_features import FeatureStore
from audiorec.pipeline.recipe import Recipe
from audiorec.studies.one_listener import (
    FOLDED,
    RANDOM,
    REGRESSION,
    SESSIONS,
    SHUFFLED,
    SOUND,
    Music,
    made_listeners,
    most_played,
    score_listener,
)

RECIPE = Recipe(
    model={"encoder": "musicnn"},
    factors={"factors": 6, "regularization": 5.0, "min_users_per_track": 1},
)


@pytest.fixture(scope="module")
def music(planted) -> Music:
    """The planted world's tracks, whose features are the levels that they were made with."""
    rows = {
        i: mel.mean(axis=1)[None].astype(np.float32)
        for i, mel in planted.store.spectrograms.items()
    }
    blocks = tuple(dict.fromkeys((*RIDGE_BLOCKS, *CONTENT_BLOCKS)))
    width = next(iter(rows.values())).shape[1]
    wide = {i: np.concatenate([row] * len(blocks), axis=1) for i, row in rows.items()}
    features = FeatureStore(
        "musicnn", planted.store.config, rows=wide, blocks=dict.fromkeys(blocks, width)
    )
    return Music(planted.store, features, {t.track_id: t for t in planted.tracks}, {})


@pytest.fixture(scope="module")
def plays(planted) -> pl.DataFrame:
    """One listener, whose sessions are what like-minded people of the planted world play."""
    some = planted.plays.filter(~pl.col("track_id").str.starts_with("mute"))
    first = some["user_id"].unique().sort()
    number = some["user_id"].replace_strict(first, range(len(first)), return_dtype=pl.Int64)
    order = some.select(pl.int_range(pl.len()).over("user_id")).to_series()
    return some.with_columns(
        user_id=pl.lit("me"),
        plays=pl.lit(1.0),
        timestamp=1_700_000_000 + number * 86_400 + order * 200,
        skipped=pl.lit(0.0),
    )


def test_sessions_beat_chance_and_shuffled_tracks_do_not(music, plays):
    values = {}
    for seed in range(3):
        scores, relevant, n = score_listener(music, plays, recipe=RECIPE, seed=seed)
        assert n == 400 and 0.1 < relevant.mean() < 0.4
        for name, row in scores.items():
            found = auc(rank(row[None], relevant[None]))[0]
            values[name] = values.get(name, 0.0) + found / 3
    assert set(values) == {
        RANDOM,
        SOUND,
        f"{SOUND}, weighted by plays",
        REGRESSION,
        SESSIONS,
        SHUFFLED,
        FOLDED,
    }
    assert values[SESSIONS] > 0.55 > values[SHUFFLED] - 0.1, values


def test_the_fifth_that_is_played_most():
    assert most_played(np.array([0, 9, 1, 5, 2, 0, 0, 0, 0, 0])).tolist() == [
        False, True, False, True, *[False] * 6
    ]  # fmt: skip
    assert not most_played(np.zeros(10)).any()


def test_made_listeners(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "truth.npz",
        audible=rng.standard_normal((60, 8)).astype(np.float32),
        scene=np.zeros(60, dtype=np.int32),
        log_fame=np.zeros(60, dtype=np.float32),
        released=np.zeros(60, dtype=np.int64),
        track_ids=np.array([f"t{i}" for i in range(60)]),
    )
    two = [
        list(made_listeners(tmp_path / "truth.npz", seed=0, n_listeners=2, n_plays=300))
        for _ in range(2)
    ]
    for (name, plays), (_, again) in zip(*two, strict=True):
        assert len(plays) == 300 and plays.equals(again)
        assert plays["user_id"].unique().to_list() == [name]
        assert plays["timestamp"].is_sorted() and plays["skipped"].sum() > 0
