"""One listener alone: the made listeners, and a taste in sound that sessions find."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from audiorec.audio import MelConfig
from audiorec.data import import_plays
from audiorec.data.catalog import Catalog, Track
from audiorec.exceptions import DataError
from audiorec.metrics import auc, rank
from audiorec.models import MUSICNN_MEL, FeatureStore, pretrained
from audiorec.models.content_model import CONTENT_BLOCKS, RIDGE_BLOCKS
from audiorec.models.encoders.pretrained import empty_pretrained
from audiorec.pipeline import Recipe
from audiorec.studies import StudyInputs, one_listener
from audiorec.studies.one_listener import (
    FOLDED,
    RANDOM,
    REGRESSION,
    SESSIONS,
    SHUFFLED,
    SOUND,
    SOUND_BY_PLAYS,
    TrackData,
    listeners,
    made_listeners,
    most_played,
    nearness,
    read_music,
    score_listener,
    sound_space,
)
from audiorec.workspace import Workspace

from ..stored_mels import store_mels

RECIPE = Recipe(
    model={"encoder": "musicnn"},
    factors={"factors": 6, "regularization": 5.0, "min_users_per_track": 1},
)


@pytest.fixture(scope="module")
def music(planted) -> TrackData:
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
    return TrackData(planted.store, features, {t.track_id: t for t in planted.tracks}, {})


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
        SOUND_BY_PLAYS,
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


@pytest.fixture
def truth(tmp_path):
    """What a made world tells of 60 tracks."""
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "truth.npz",
        audible=rng.standard_normal((60, 8)).astype(np.float32),
        scene=np.zeros(60, dtype=np.int32),
        log_fame=np.zeros(60, dtype=np.float32),
        released=np.zeros(60, dtype=np.int64),
        track_ids=np.array([f"t{i}" for i in range(60)]),
    )
    return tmp_path / "truth.npz"


def test_made_listeners(truth):
    two = [list(made_listeners(truth, seed=0, n_listeners=2, n_plays=300)) for _ in range(2)]
    for (name, plays), (_, again) in zip(*two, strict=True):
        assert len(plays) == 300 and plays.equals(again)
        assert plays["user_id"].unique().to_list() == [name]
        assert plays["timestamp"].is_sorted() and plays["skipped"].sum() > 0


def test_with_a_truth_the_listeners_are_made(truth, music, tmp_path):
    study = StudyInputs(Workspace(tmp_path), RECIPE, truth=truth)
    name, plays = next(listeners(study, music))
    assert (name, len(plays)) == ("listener-0", one_listener.N_PLAYS)
    assert set(plays["track_id"]) <= {f"t{i}" for i in range(60)}


def test_who_played_nothing_that_is_known_is_near_nothing(music):
    assert nearness(sound_space(music.features), ["a00-0", "a00-1"], {}).tolist() == [0, 0]


N_TRACKS = 30
MEL = MelConfig(clip_seconds=3.5, **MUSICNN_MEL)
CSV = "user_id,track_id,plays,timestamp,skipped"


def make_sessions(user, *, n_sessions):
    """Plays of four tracks in a row, an hour or more after others; as lines of CSV."""
    rng = np.random.default_rng(len(user))
    for number in range(n_sessions):
        first = int(rng.integers(N_TRACKS))
        for step in range(4):
            track = (first + step) % N_TRACKS
            yield f"{user},t{track:02d},1,{1_700_000_000 + 7_200 * number + 200 * step},0"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Tracks with spectrograms, and a pretrained network with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = empty_pretrained("vgg-msd").eval()  # the fastest
    monkeypatch.setattr(pretrained, "is_fetched", lambda: True)
    monkeypatch.setattr("audiorec.models.encoders.build.load_pretrained", lambda name: network)
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    ids = [f"t{row:02d}" for row in range(N_TRACKS)]
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(id_, f"/m/{id_}.mp3", f"Artist {row % 10}", id_, clip_hash=id_)
            for row, id_ in enumerate(ids)
        )
    rng = np.random.default_rng(0)
    mels = {id_: rng.normal(2, 1, (96, MEL.frames(MEL.clip_seconds))) for id_ in ids}
    store_mels(workspace.mels, mels, config=MEL)
    return workspace


def study_of(workspace, lines):
    """The study's inputs, with these plays alone."""
    file = workspace.root / "plays.csv"
    file.write_text("\n".join([CSV, *lines]))
    import_plays(workspace.plays, file)
    recipe = RECIPE.model_copy(update={"mel": MEL})
    return StudyInputs(workspace, recipe)


def test_listeners_with_plays_enough_at_known_times_are_scored(workspace, monkeypatch):
    monkeypatch.setattr(one_listener, "MIN_PLAYS", 100)
    untimed = [f"untimed,t{row % N_TRACKS:02d},1,,0" for row in range(120)]
    elsewhere = [f"elsewhere,x{row},1,{1_700_000_000 + 300 * row},0" for row in range(120)]
    lines = [
        *make_sessions("most", n_sessions=60),
        *make_sessions("enough", n_sessions=30),
        *make_sessions("few", n_sessions=20),
        *untimed,
        *elsewhere,  # tracks that are not catalogued
    ]
    study = study_of(workspace, lines)
    assert [name for name, _ in listeners(study, read_music(study))] == ["most", "enough"]
    report = one_listener.run(study)
    body = report.to_json()
    assert body["n_listeners"] == 2
    rows = {row["system"]: row for row in body["rows"]}
    assert len(rows) == 7
    places = [row["AUC"] for row in body["rows"]]
    assert places == sorted(places, reverse=True)
    for name, row in rows.items():
        if name == SESSIONS:
            assert "sessions ahead, AUC" not in row
            continue
        low, high = row["sessions ahead, AUC"]
        assert low - 1e-9 <= rows[SESSIONS]["AUC"] - row["AUC"] <= high + 1e-9
    text = report.to_text()
    assert "One listener's history alone, artist-cold: 2 listeners" in text
    assert "a listener; 6 factors, regularization 5." in text
    monkeypatch.setattr(one_listener, "MIN_PLAYS", 1_000)
    with pytest.raises(DataError, match="no listener has 1000 plays of catalogued tracks"):
        one_listener.run(study)


def test_without_weights_there_are_no_features(workspace, monkeypatch):
    monkeypatch.setattr(pretrained, "is_fetched", lambda: False)
    study = study_of(workspace, make_sessions("few", n_sessions=20))
    with pytest.raises(DataError, match="no features of musicnn: .* is not in the cache"):
        one_listener.run(study)
