"""Listening in sessions of the demo world: a drifting mood, and an order that matters.

Tracks lie in a plane, spanned by the two directions of largest audible variance. A listener's mood
is an angle in it that drifts from session to session; within a session it rotates, in one direction
or the other, by `STEP` a track. The next track is drawn near the current mood, weighted by the
listener's taste. So the previous track reveals the mood, but only the tracks before that its
direction: the right answer depends on the order. Now and then a track is drawn regardless of the
mood, and is skipped if it does not fit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiorec.demo.catalog_plan import STREAM_SESSIONS, generator
from audiorec.demo.listeners import (
    CHUNK,
    FAME_WEIGHT,
    SCENE_WEIGHT,
    SONG_SECONDS,
    Listeners,
    Tracks,
    appeal_of,
    liking,
    principal_directions,
    start_times,
)

__all__ = ["SessionPlays", "mood_plane", "mood_scores", "sample_sessions"]

STEP = np.deg2rad(45.0)  # rotation of the mood from one track to the next
STEP_SPREAD = np.deg2rad(8.0)
RADIUS = 1.2  # of the circle, in standard deviations of the tracks
WIDTH = 0.35  # distance from the mood at which tracks are drawn, likewise
DRIFT = 0.6  # of the mood from one session to the next, radians
TASTE_WEIGHT = 0.5  # of taste regardless of the mood, compared to `listeners.SHARPNESS`
MEAN_LENGTH = 10.0
MAX_LENGTH = 40
SHARE_SHUFFLED = 0.1  # fraction of tracks drawn regardless of the mood
SKIP_DISTANCE = 1.0  # from the mood, above which such a track is skipped
SKIP_SHARE = 0.9
SKIP_SECONDS = 15.0
PAUSE_SECONDS = 1_860.0  # least silence between two sessions of a listener


class SessionPlays(NamedTuple):
    """Listening in sessions, one row per play, by listener and then by time.

    Attributes
    ----------
    listener, track : np.ndarray [shape=(n,)], int32
        Row numbers.
    timestamp : np.ndarray [shape=(n,)], int64, seconds since 1970
    skipped : np.ndarray [shape=(n,)], bool
    session : np.ndarray [shape=(n,)], int32
        Number of the session within its listener.
    mood : np.ndarray [shape=(n,)], float32, radians
        The mood when the track was drawn.
    direction : np.ndarray [shape=(n,)], int8
        1 or -1: the direction in which the session rotates.
    """

    listener: np.ndarray
    track: np.ndarray
    timestamp: np.ndarray
    skipped: np.ndarray
    session: np.ndarray
    mood: np.ndarray
    direction: np.ndarray


class _Drawn(NamedTuple):
    """Sessions of a chunk: a row each, a column for each step; `track` is -1 after the end."""

    owner: np.ndarray
    direction: np.ndarray
    track: np.ndarray
    mood: np.ndarray
    skipped: np.ndarray


def mood_plane(tracks: Tracks) -> np.ndarray:
    """Positions of tracks in the plane of moods : np.ndarray [shape=(n_tracks, 2)], float32.

    Of mean 0 and standard deviation 1 in both directions.
    """
    places = principal_directions(tracks, n=2)
    return np.asarray(places, dtype=np.float32)


def mood_scores(places: np.ndarray, *, mood: np.ndarray) -> np.ndarray:
    """Log-likelihood of tracks under moods, up to a constant.

    Parameters
    ----------
    places : np.ndarray [shape=(n_tracks, 2)]
        See `mood_plane`.
    mood : np.ndarray [shape=(n,)], radians

    Returns
    -------
    scores : np.ndarray [shape=(n, n_tracks)], float32
    """
    return np.asarray(-(_distances(places, mood) ** 2) / (2 * WIDTH**2), dtype=np.float32)


def _distances(places: np.ndarray, mood: np.ndarray) -> np.ndarray:
    """Of each mood to each track : np.ndarray [shape=(n, n_tracks)]."""
    centre = RADIUS * np.stack([np.cos(mood), np.sin(mood)], axis=1)
    squared = (places**2).sum(axis=1) - 2 * centre @ places.T + RADIUS**2
    return np.sqrt(np.maximum(squared, 0.0))


def sample_sessions(tracks: Tracks, *, listeners: Listeners, seed: int) -> SessionPlays:
    """Simulate the plays of listeners in sessions.

    Parameters
    ----------
    tracks : Tracks
    listeners : Listeners
        Each has about as many plays as it has `n_tracks`, twice over.
    seed : int

    Returns
    -------
    plays : SessionPlays
        No track twice in a session, and none before its release.
    """
    places, appeal = mood_plane(tracks), appeal_of(tracks, listeners)
    parts = []
    for number, start in enumerate(range(0, len(listeners.scene), CHUNK)):
        rng = generator(seed, STREAM_SESSIONS, number)
        rows = slice(start, start + CHUNK)
        wanted = TASTE_WEIGHT * (liking(tracks, listeners=listeners, rows=rows) - appeal)
        wanted += SCENE_WEIGHT * (listeners.scene[rows, None] == tracks.scene[None, :])
        wanted += FAME_WEIGHT * listeners.fame[rows, None] * tracks.log_fame
        n_sessions = np.maximum(1, np.rint(2 * listeners.n_tracks[rows] / MEAN_LENGTH).astype(int))
        drawn = _draw(wanted.astype(np.float32), places, n_sessions, rng)
        parts.append(_timed(drawn, tracks, first=start, rng=rng))
    return SessionPlays(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _draw(
    wanted: np.ndarray, places: np.ndarray, n_sessions: np.ndarray, rng: np.random.Generator
) -> _Drawn:
    """Draw the tracks of every session of a chunk of listeners."""
    owner = np.repeat(np.arange(len(n_sessions)), n_sessions)
    n, n_tracks = len(owner), len(places)
    length = np.minimum(2 + rng.geometric(1 / (MEAN_LENGTH - 1), n), min(MAX_LENGTH, n_tracks))
    direction = rng.choice(np.array([-1, 1], dtype=np.int8), n)
    mood = _first_moods(n_sessions, rng)
    track = np.full((n, int(length.max())), -1, dtype=np.int32)
    moods = np.zeros(track.shape, dtype=np.float32)
    skipped = np.zeros(track.shape, dtype=bool)
    played = np.zeros((n, n_tracks), dtype=bool)
    for step in range(track.shape[1]):
        on = np.flatnonzero(length > step)
        fits = mood_scores(places, mood=mood[on])
        shuffled = (rng.random(len(on)) < SHARE_SHUFFLED) & (step > 0)
        fits[shuffled] = 0.0
        scores = np.where(played[on], -np.inf, wanted[owner[on]] + fits)
        chosen = _sample(scores, rng.random(len(on)))
        away = _distances(places, mood[on])[np.arange(len(on)), chosen]
        broken_off = shuffled & (away > SKIP_DISTANCE) & (rng.random(len(on)) < SKIP_SHARE)
        track[on, step], moods[on, step], skipped[on, step] = chosen, mood[on], broken_off
        played[on, chosen] = True
        # A track drawn regardless of the mood does not change it.
        turn = direction[on] * STEP + STEP_SPREAD * rng.standard_normal(len(on))
        mood[on] += np.where(shuffled, 0.0, turn)
    return _Drawn(owner, direction, track, moods, skipped)


def _first_moods(n_sessions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Initial mood of each session: a random walk per listener : [shape=(n,)], radians."""
    owner = np.repeat(np.arange(len(n_sessions)), n_sessions)
    walk = np.cumsum(DRIFT * rng.standard_normal(len(owner)))
    begin = np.cumsum(n_sessions) - n_sessions
    first = rng.uniform(0, 2 * np.pi, len(n_sessions))
    return np.asarray(first[owner] + walk - walk[begin][owner])


def _sample(scores: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One column of each row, drawn from its softmax : np.ndarray [shape=(n,)], int64."""
    weights = np.exp(scores - scores.max(axis=1, keepdims=True)).astype(np.float64)
    sums = np.cumsum(weights, axis=1)
    chosen = (sums < uniform[:, None] * sums[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(chosen, scores.shape[1] - 1))


def _timed(drawn: _Drawn, tracks: Tracks, *, first: int, rng: np.random.Generator) -> SessionPlays:
    """The plays of a chunk with their times, without tracks that were not yet released."""
    row, step = np.nonzero(drawn.track >= 0)
    skipped = drawn.skipped[row, step]
    seconds = np.where(skipped, SKIP_SECONDS, SONG_SECONDS) * rng.uniform(0.7, 1.3, len(row))
    ends = np.cumsum(seconds)
    length = np.bincount(row, weights=seconds)
    begins = np.concatenate([[0.0], np.cumsum(length)[:-1]])
    start = start_times(drawn.owner, length + PAUSE_SECONDS, rng)
    timestamp = start[row] + (ends - seconds - begins[row]).astype(np.int64)
    number = np.arange(len(drawn.owner)) - np.searchsorted(drawn.owner, drawn.owner)
    track = drawn.track[row, step]
    out = timestamp >= tracks.released[track]
    plays = SessionPlays(
        (drawn.owner[row] + first).astype(np.int32), track, timestamp, skipped,
        number[row].astype(np.int32), drawn.mood[row, step], drawn.direction[row],
    )  # fmt: skip
    return SessionPlays(*(column[out] for column in plays))
