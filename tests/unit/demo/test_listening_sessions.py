"""Sessions of the demo world: the mood, the order that is planted, and the skips."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from audiorec.data import make_sessions
from audiorec.demo import plan_music
from audiorec.demo.listeners import Tracks, draw_listeners
from audiorec.demo.listening_sessions import SessionPlays, mood_plane, mood_scores, sample_sessions
from audiorec.demo.truth import truth_arrays

N_LISTENERS = 120


@pytest.fixture(scope="module")
def tracks() -> Tracks:
    truth = truth_arrays(plan_music(200, n_artists=60, seed=0))
    return Tracks(truth["audible"], truth["scene"], truth["log_fame"], truth["released"])


def listen(tracks: Tracks, *, seed: int = 0) -> SessionPlays:
    listeners = draw_listeners(
        N_LISTENERS, n_dims=tracks.audible.shape[1], n_tracks=len(tracks.scene), seed=seed
    )
    return sample_sessions(tracks, listeners=listeners, seed=seed)


@pytest.fixture(scope="module")
def plays(tracks: Tracks) -> SessionPlays:
    return listen(tracks)


def test_same_seed_same_plays(tracks: Tracks, plays: SessionPlays) -> None:
    for mine, theirs in zip(plays, listen(tracks), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len(listen(tracks, seed=1).track) != len(plays.track)


def test_the_order_can_be_told_from_the_tracks(tracks: Tracks, plays: SessionPlays) -> None:
    place = mood_plane(tracks)[plays.track]
    angle = np.arctan2(place[:, 1], place[:, 0])
    same = (plays.session[1:] == plays.session[:-1]) & ~plays.skipped[1:] & ~plays.skipped[:-1]
    turn = np.angle(np.exp(1j * np.diff(angle)))[same]
    direction = plays.direction[1:][same]
    assert np.mean(np.sign(turn) == direction) > 0.8
    # Of all tracks those near to where the mood has come are played.
    scores = mood_scores(mood_plane(tracks), mood=plays.mood[:500])
    rank = (scores > scores[np.arange(500), plays.track[:500]][:, None]).sum(axis=1)
    assert np.median(rank[~plays.skipped[:500]]) < 20  # 103 by chance


def test_the_mood_drifts_from_session_to_session(plays: SessionPlays) -> None:
    first = np.flatnonzero(np.diff(plays.session, prepend=-1) != 0)
    follows = plays.listener[first][1:] == plays.listener[first][:-1]
    drift = np.angle(np.exp(1j * np.diff(plays.mood[first])))[follows]
    assert 0.3 < np.std(drift) < 1.2  # 1.8 were it drawn anew


def test_skipped_is_what_does_not_fit(tracks: Tracks, plays: SessionPlays) -> None:
    fit = mood_scores(mood_plane(tracks), mood=plays.mood)[np.arange(len(plays.mood)), plays.track]
    assert 0.02 < plays.skipped.mean() < 0.12
    assert np.median(fit[plays.skipped]) < np.median(fit[~plays.skipped]) - 2


def test_a_pause_of_half_an_hour_finds_the_planted_sessions(plays: SessionPlays) -> None:
    rows = pl.DataFrame(
        {
            "user_id": plays.listener.astype(str),
            "track_id": plays.track.astype(str),
            "timestamp": plays.timestamp,
            "skipped": plays.skipped.astype(float),
        }
    )
    sessions = make_sessions(rows, gap_minutes=30)
    planted = np.unique(np.stack([plays.listener, plays.session]), axis=1).shape[1]
    assert len(sessions) == planted
    assert sessions.left_out.summary() == ""


def test_no_track_twice_in_a_session_and_none_before_its_release(
    tracks: Tracks, plays: SessionPlays
) -> None:
    rows = np.stack([plays.listener, plays.session, plays.track])
    assert np.unique(rows, axis=1).shape == rows.shape
    assert (plays.timestamp >= tracks.released[plays.track]).all()
