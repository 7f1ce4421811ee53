"""Neighbours without listening, on a world in which it is known who is like whom."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.data.catalog import Track
from audiorec.data.config import EvaluateConfig
from audiorec.embeddings import Embeddings
from audiorec.evaluate import evaluate_neighbours
from audiorec.evaluate.ears import Ear
from audiorec.evaluate.neighbours import ABOUT, REFERENCE
from audiorec.exceptions import ArtifactError, DataError
from audiorec.models.encoders.musicnn import MEL
from audiorec.models.features import FeatureStore
from audiorec.pipeline.recipe import Recipe

from .conftest import FakeStore

RECIPE = Recipe(evaluate=EvaluateConfig(n_bootstrap=100))
ARTIST, SONG = ABOUT


def world(*, n_artists=30, seed=0):
    """Three tracks an artist; the first of artist 2n and of artist 2n + 1 are the same song.

    Spectrograms tell nothing. What the network heard tells the artist.
    """
    rng = np.random.default_rng(seed)
    tracks, rows = [], {}
    for artist in range(n_artists):
        place = 3 * rng.standard_normal(12)
        for n in range(3):
            id_ = f"t{artist:02d}-{n}"
            title = f"Song {artist // 2}" if n == 0 else f"Title {id_}"
            tracks.append(Track(id_, f"/m/{id_}.mp3", artist=f"A{artist:02d}", title=title))
            heard = place + 0.3 * rng.standard_normal((4, 12))
            rows[id_] = np.concatenate([np.zeros((4, 2)), heard], axis=1).astype("f4")
    mels = {t.track_id: rng.normal(-40, 5, (12, 40)).astype("f2") for t in tracks}
    return (
        FakeStore(mels),
        tracks,
        Ear(FeatureStore("musicnn-msd", MEL, rows=rows, blocks={"mean": 1, "std": 1, "maps": 12})),
    )


def test_a_space_that_tells_artists_is_known_by_it():
    store, tracks, ear = world()
    report = evaluate_neighbours(store, tracks, recipe=RECIPE, ear=ear)
    assert report.asking == {ARTIST: 90, SONG: 30}
    assert report.shares[REFERENCE][ARTIST] > 0.95
    # five drawn of 89, two of which are right; and one
    assert report.shares["random"][ARTIST] == pytest.approx(
        1 - 87 * 86 * 85 * 84 * 83 / (89 * 88 * 87 * 86 * 85)
    )
    assert report.shares["random"][SONG] == pytest.approx(5 / 89)
    for name in ("mel statistics", "mfcc statistics"):
        assert report.shares[name][ARTIST] < 0.3
        assert report.gaps[name][ARTIST].low > 0.5
    low, high = report.intervals[REFERENCE][ARTIST]
    assert low <= report.shares[REFERENCE][ARTIST] <= high
    assert "same artist (90)" in report.to_text()
    assert report.to_json()["systems"]["random"][SONG]["share"] == pytest.approx(5 / 89)


def test_copies_are_no_neighbours():
    store, tracks, ear = world()
    store.twins = {"t00-1": "t00-0", "t00-2": "t00-0"}
    report = evaluate_neighbours(store, tracks, recipe=RECIPE, ear=ear)
    assert report.asking[ARTIST] == 87


def test_a_model_of_the_workspace_stands_beside():
    store, tracks, ear = world()
    names = sorted({t.artist for t in tracks})
    own = Embeddings(store.ids, np.eye(len(names))[[names.index(t.artist) for t in tracks]])
    report = evaluate_neighbours(store, tracks, recipe=RECIPE, ear=ear, placed=("cnn", own))
    assert report.shares["cnn"][ARTIST] == 1
    assert any("cnn may have learned" in note for note in report.notes)


def test_without_an_ear_it_is_said_why():
    store, tracks, _ = world()
    ear = Ear(None, "musicnn-msd is not in the cache; run 'audiorec pretrained fetch musicnn'")
    report = evaluate_neighbours(store, tracks, recipe=RECIPE, ear=ear)
    assert REFERENCE not in report.shares
    assert "left out: musicnn-msd is not in the cache" in report.to_text()


def test_nothing_to_find():
    store, tracks, _ = world()
    with pytest.raises(DataError, match="of 2 tracks none has another by its artist"):
        evaluate_neighbours(store, [tracks[1], tracks[4]], recipe=RECIPE)
    with pytest.raises(ArtifactError, match="run 'audiorec mel' first"):
        evaluate_neighbours(FakeStore({}), tracks, recipe=RECIPE)
