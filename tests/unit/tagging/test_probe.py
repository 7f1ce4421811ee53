from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from audiorec.data.catalog import Track
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError
from audiorec.tagging import learn_probe
from audiorec.tagging import probe as module
from audiorec.tagging.probe import FittedProbe, calibrated, labelled

GENRES = ("Bossa", "House", "Metal")


def library(n_artists=30, per_artist=5, *, genres=GENRES, seed=0):
    """Tracks whose artists keep to one genre."""
    rng = np.random.default_rng(seed)
    return [
        Track(f"t{a:02}-{i}", f"/{a}/{i}", artist=f"Artist {a}", genre=genre)
        for a, genre in enumerate(np.resize(genres, n_artists)[rng.permutation(n_artists)])
        for i in range(per_artist)
    ]


def heard(tracks, *, genre=1.0, artist=1.0, noise=1.0, d=12, seed=1):
    """Features that tell genre, artist and nothing, each so loudly."""
    rng = np.random.default_rng(seed)

    def places(keys):
        at = {key: rng.normal(size=d) for key in sorted(set(keys))}
        return np.stack([at[key] for key in keys])

    vectors = genre * places([t.genre for t in tracks]) + artist * places(
        [t.artist for t in tracks]
    )
    vectors += noise * rng.normal(size=vectors.shape)
    return Embeddings([t.track_id for t in tracks], vectors.astype(np.float32))


def learn(tracks, features, **options) -> FittedProbe:
    return learn_probe(features, labelled(tracks), **options)


@pytest.fixture(scope="module")
def learned():
    tracks = library()
    return learn(tracks, heard(tracks, genre=2.0))


def test_what_can_be_heard_is_learned_and_shuffled_it_is_not(learned):
    report = learned.report
    assert report.accuracy > 0.8 and report.low <= report.accuracy <= report.high
    assert report.chance == pytest.approx(1 / 3)
    assert report.shuffled < 0.5
    assert report.reliable
    assert (report.n_tracks, report.n_artists, report.n_left_out) == (150, 30, 0)
    assert report.genres == {"Bossa": 50, "House": 50, "Metal": 50}


def test_knowing_the_artist_is_no_help_on_artists_it_never_heard():
    """Artists are told apart without fail, genres not at all: split by track it would be 1."""
    tracks = library()
    report = learn(tracks, heard(tracks, genre=0.0, artist=5.0, noise=0.1, d=40)).report
    assert report.accuracy < 0.55
    assert not report.reliable


def test_nobody_is_learned_from_and_tested_on():
    artists = np.repeat(np.arange(20), 4)
    labels = np.repeat(np.resize([0, 1, 2], 20), 4)
    tested = []
    for train, test in module._folds(labels, artists, 5, seed=3):
        assert not set(artists[train]) & set(artists[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(80))


def test_what_is_said_of_a_track_comes_from_others(learned):
    """Each track's word is that of a probe fitted here, plainly, on the other folds' artists."""
    tracks = library()
    known, features = labelled(tracks), heard(tracks, genre=2.0)
    x = features.take(known.track_ids).vectors.astype(np.float64)
    artists = np.unique(known.artists, return_inverse=True)[1]
    train, test = next(module._folds(known.labels, artists, module.FOLDS, seed=0))
    alone = module._fit(x[train], known.labels[train], artists[train], 3, seed=0)
    said = np.stack([learned.held_out[known.track_ids[row]] for row in test])
    as_it_should = alone.predict if learned.report.calibrated else alone.raw
    np.testing.assert_allclose(said, as_it_should(x[test]), rtol=1e-9)


@pytest.mark.parametrize(("before", "after"), [(0.1, 0.2), (0.2, 0.1)])
def test_a_calibration_that_does_not_help_is_not_used(monkeypatch, before, after):
    errors = iter([before, after])
    monkeypatch.setattr(module, "calibration_error", lambda *arguments: next(errors))
    tracks = library()
    features = heard(tracks, genre=2.0)
    found = learn(tracks, features)
    helps = after < before
    assert found.report.calibrated == helps
    assert ((found.probe.slope, found.probe.shift) == (1.0, 0.0)) != helps
    x = features.vectors[:5].astype(np.float64)
    assert np.allclose(found.probe.predict(x), found.probe.raw(x), atol=2e-6) != helps


@pytest.mark.parametrize("n_genres", [2, 3])
def test_the_regression_is_scikit_learns(n_genres):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)) * [1, 10, 0.1, 1, 1] + 3
    labels = rng.integers(n_genres, size=60)
    ours = module._regression(x, labels, n_genres, 0.1)
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(C=0.1, max_iter=2000).fit(standard, labels).predict_proba(standard)
    np.testing.assert_allclose(ours.raw(x), theirs, atol=1e-9)


def test_a_genre_that_was_not_there_is_never_named():
    x = np.random.default_rng(0).normal(size=(20, 3))
    one = module._regression(x, np.full(20, 1), 3, 0.1).raw(x)
    np.testing.assert_allclose(one, [[0, 1, 0]] * 20, atol=1e-12)
    two = module._regression(x, np.resize([0, 2], 20), 3, 0.1).raw(x)
    assert two[:, 1].max() < 1e-12 and (two[:, 0] > 0.05).any()


def test_calibration_mends_what_is_too_sure(monkeypatch):
    """With a penalty too weak for it, the regression is far too sure."""
    monkeypatch.setattr(module, "PENALTIES", (1e4,))
    tracks = library(60, 4)
    report = learn(tracks, heard(tracks, genre=0.6, artist=1.0, d=40)).report
    assert report.error_before > 0.15
    assert report.error_after < report.error_before / 2 and report.calibrated
    assert sum(each[2] for each in report.reliability) == report.n_tracks


def test_calibrated_log_odds():
    raw = np.array([[0.1, 0.5], [0.9, 1.0]])
    np.testing.assert_allclose(calibrated(raw, slope=1.0, shift=0.0), raw, atol=2e-6)
    np.testing.assert_allclose(calibrated(raw, slope=0.0, shift=0.0), 0.5)
    assert calibrated(np.array([0.5]), slope=3.0, shift=np.log(3))[0] == pytest.approx(0.75)


def test_same_seed_same_probe(learned):
    tracks = library()
    again = learn(tracks, heard(tracks, genre=2.0))
    assert again.report == learned.report
    assert (again.probe.weights == learned.probe.weights).all()


def test_rare_genres_are_left_out():
    tracks = [*library(), Track("x", "/x", "X", genre="Polka"), Track("y", "/y", "Y")]
    tracks += [Track(f"one-{i}", f"/one/{i}", "One", genre="Yodel") for i in range(20)]
    tracks += [Track("z", "/z", "Z", genre="house; Polka")]  # the first genre counts
    known = labelled(tracks)
    assert known.genres == GENRES and known.n_left_out == 21
    assert "z" in known.track_ids and "one-3" not in known.track_ids
    assert labelled(library(genres=("House",))) is None
    assert labelled([]) is None


def test_tracks_without_artists_stand_alone():
    tracks = [Track(f"t{i}", f"/{i}", genre=GENRES[i % 2]) for i in range(40)]
    assert len(set(labelled(tracks).artists)) == 40


def test_features_of_another_network_are_refused(learned):
    with pytest.raises(ParameterError, match="of 5 numbers do not fit the probe, which takes 12"):
        learned.probe.predict(np.zeros((1, 5)))
