"""The listening of the demo world, without any sound."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.demo import plan_music
from audiorec.demo.catalog_plan import PLAYS_FROM, PLAYS_UNTIL
from audiorec.demo.listeners import MadePlays, Tracks, draw_listeners, liking, sample_plays
from audiorec.demo.truth import truth_arrays

N_LISTENERS = 600


def make_tracks(*, seed: int = 0, n_tracks: int = 300, n_artists: int = 300) -> Tracks:
    truth = truth_arrays(plan_music(n_tracks, n_artists=n_artists, seed=seed))
    return Tracks(truth["audible"], truth["scene"], truth["log_fame"], truth["released"])


def listen(tracks: Tracks, *, seed: int = 0) -> MadePlays:
    listeners = draw_listeners(
        N_LISTENERS, n_dims=tracks.audible.shape[1], n_tracks=len(tracks.scene), seed=seed
    )
    return sample_plays(tracks, listeners=listeners, seed=seed)


@pytest.fixture(scope="module")
def tracks() -> Tracks:
    return make_tracks()


@pytest.fixture(scope="module")
def plays(tracks: Tracks) -> MadePlays:
    return listen(tracks)


def listeners_per_track(plays: MadePlays, n_tracks: int) -> np.ndarray:
    pairs = np.unique(plays.listener.astype(np.int64) * n_tracks + plays.track)
    return np.bincount(pairs % n_tracks, minlength=n_tracks)


def test_same_seed_same_plays(tracks: Tracks, plays: MadePlays) -> None:
    for mine, theirs in zip(plays, listen(tracks), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len(listen(tracks, seed=1).track) != len(plays.track)


def test_popularity_does_not_follow_sound() -> None:
    # Averaged over worlds: in one of them, fame and sound may agree by chance.
    correlations = []
    for seed in range(4):
        tracks = make_tracks(seed=seed)
        popularity = np.log1p(listeners_per_track(listen(tracks, seed=seed), len(tracks.scene)))
        music = np.abs(tracks.audible).sum(axis=1) > 0
        columns = tracks.audible[music][:, :11]
        correlations.append([np.corrcoef(popularity[music], c)[0, 1] for c in columns.T])
    mean = np.mean(correlations, axis=0)
    assert np.abs(mean).max() < 0.15, mean
    assert np.abs(mean).mean() < 0.06, mean


def test_popularity_follows_fame(tracks: Tracks, plays: MadePlays) -> None:
    popularity = np.log1p(listeners_per_track(plays, len(tracks.scene)))
    assert np.corrcoef(popularity, tracks.log_fame)[0, 1] > 0.6


def test_plays_follow_taste_and_scene(tracks: Tracks, plays: MadePlays) -> None:
    listeners = draw_listeners(
        N_LISTENERS, n_dims=tracks.audible.shape[1], n_tracks=len(tracks.scene), seed=0
    )
    likes = liking(tracks, listeners=listeners, rows=slice(None))
    assert np.abs(likes.mean(axis=1)).max() < 1e-4
    assert likes[plays.listener, plays.track].mean() > 0.5
    at_home = listeners.scene[plays.listener] == tracks.scene[plays.track]
    assert at_home.mean() > 1.3 * (listeners.scene[:, None] == tracks.scene[None, :]).mean()


def test_nothing_is_liked_by_all(tracks: Tracks) -> None:
    listeners = draw_listeners(500, n_dims=tracks.audible.shape[1], n_tracks=300, seed=3)
    np.testing.assert_allclose(listeners.taste.mean(axis=0), 0.0, atol=1e-5)


def test_heavy_tails(plays: MadePlays) -> None:
    per_listener = np.bincount(plays.listener, weights=plays.plays, minlength=N_LISTENERS)
    assert per_listener.max() > 5 * np.median(per_listener)
    pair = plays.listener.astype(np.int64) * 10_000 + plays.track
    _, row = np.unique(pair, return_inverse=True)
    per_pair = np.bincount(row, weights=plays.plays)
    assert np.median(per_pair) <= 3
    assert per_pair.max() > 20 * np.median(per_pair)


def test_sessions_are_in_order_and_do_not_overlap(plays: MadePlays) -> None:
    same = plays.listener[1:] == plays.listener[:-1]
    assert np.all(np.diff(plays.listener) >= 0)
    assert np.all(np.diff(plays.timestamp)[same] >= 0)
    changed = same & (plays.session[1:] != plays.session[:-1])
    # A session that has ended does not come back.
    assert np.all(np.diff(plays.session)[same] >= 0)
    assert np.diff(plays.timestamp)[changed].min() > 1_000
    assert plays.timestamp.min() >= PLAYS_FROM
    assert plays.timestamp.max() < PLAYS_UNTIL


def test_a_session_has_one_row_for_a_track(plays: MadePlays) -> None:
    rows = set(zip(plays.listener, plays.session, plays.track, strict=True))
    assert len(rows) == len(plays.track)
    assert plays.plays.min() >= 1


def test_nothing_is_played_before_its_release(tracks: Tracks, plays: MadePlays) -> None:
    assert np.all(plays.timestamp >= tracks.released[plays.track])
    assert (tracks.released > PLAYS_FROM).any()
