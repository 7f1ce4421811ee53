"""Listeners of the demo world: their tastes, and simulated plays.

A listener likes a track for its audible attributes, and for two things that no audio reveals: the
scene of its artist, and its fame. This module knows nothing of notes or audio: tracks are
numbers, so the model of listening is tested without rendering any.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiorec.demo.catalog_plan import (
    N_SCENES,
    PLAYS_FROM,
    PLAYS_UNTIL,
    STREAM_LISTENERS,
    STREAM_PLAYS,
    generator,
)

__all__ = [
    "Listeners",
    "MadePlays",
    "Tracks",
    "appeal_of",
    "draw_listeners",
    "liking",
    "principal_directions",
    "sample_plays",
    "start_times",
]

N_ARCHETYPES = 24
OWN_SPREAD = 0.6  # a listener's distance from the archetype, compared to the archetypes' own 0.8
SHARPNESS = 2.2  # weight of audible attributes, compared to Gumbel noise of standard deviation 1.28
SCENE_WEIGHT = 0.9
FAME_WEIGHT = 1.0
MEDIAN_TRACKS = 40.0
TRACKS_SPREAD = 0.75
DEVOTION_SPREAD = 0.5
MAX_SHARE = 0.35  # largest fraction of the catalogue that a listener plays
PLAYS_PER_SESSION = 8.0
CHUNK = 256  # listeners at a time; part of the seeding, so it does not depend on the machine
SAMPLE = 2_000  # listeners from whom a track's average appeal is measured
SONG_SECONDS = 215.0


class Tracks(NamedTuple):
    """Audible attributes, scenes, fame and release dates of tracks.

    Attributes
    ----------
    audible : np.ndarray [shape=(n_tracks, d), dtype=float32]
    scene : np.ndarray [shape=(n_tracks,), dtype=int32]
        -1 is none.
    log_fame : np.ndarray [shape=(n_tracks,), dtype=float32]
    released : np.ndarray [shape=(n_tracks,), dtype=int64], seconds since 1970
    """

    audible: np.ndarray
    scene: np.ndarray
    log_fame: np.ndarray
    released: np.ndarray


class Listeners(NamedTuple):
    """Listeners and their tastes.

    Attributes
    ----------
    taste : np.ndarray [shape=(n_listeners, d), dtype=float32]
        Weights over the columns of `Tracks.audible`; zero on average over listeners.
    scene : np.ndarray [shape=(n_listeners,), dtype=int32]
        The scene whose artists a listener prefers.
    fame : np.ndarray [shape=(n_listeners,), dtype=float32]
        Weight of fame.
    n_tracks : np.ndarray [shape=(n_listeners,), dtype=int32]
        Number of tracks that a listener tries.
    """

    taste: np.ndarray
    scene: np.ndarray
    fame: np.ndarray
    n_tracks: np.ndarray


class MadePlays(NamedTuple):
    """Simulated plays, one row per (listener, session, track), by listener and then by time.

    Attributes
    ----------
    listener, track : np.ndarray [shape=(n,), dtype=int32]
        Row numbers.
    plays : np.ndarray [shape=(n,), dtype=int32]
    timestamp : np.ndarray [shape=(n,), dtype=int64], seconds since 1970
        Time of the first of the plays.
    session : np.ndarray [shape=(n,), dtype=int32]
        Number of the session within its listener.
    """

    listener: np.ndarray
    track: np.ndarray
    plays: np.ndarray
    timestamp: np.ndarray
    session: np.ndarray


def draw_listeners(n_listeners: int, *, n_dims: int, n_tracks: int, seed: int) -> Listeners:
    """Draw listeners around a few archetypes of taste.

    Parameters
    ----------
    n_listeners : int
    n_dims : int
        Columns of `Tracks.audible`.
    n_tracks : int
        Size of the catalogue.
    seed : int

    Returns
    -------
    Listeners
    """
    rng = generator(seed, STREAM_LISTENERS)
    archetypes = np.sqrt(1.0 - OWN_SPREAD**2) * rng.standard_normal((N_ARCHETYPES, n_dims))
    member = rng.integers(N_ARCHETYPES, size=n_listeners)
    taste = archetypes[member] + OWN_SPREAD * rng.standard_normal((n_listeners, n_dims))
    # A taste common to all would make popularity audible.
    taste -= taste.mean(axis=0)
    most = max(1, int(MAX_SHARE * n_tracks))
    tried = np.rint(MEDIAN_TRACKS * rng.lognormal(0.0, TRACKS_SPREAD, n_listeners))
    return Listeners(
        taste=taste.astype(np.float32),
        scene=rng.integers(N_SCENES, size=n_listeners).astype(np.int32),
        fame=np.clip(rng.normal(1.0, 0.3, n_listeners), 0.0, None).astype(np.float32),
        n_tracks=np.clip(tried, min(5, most), most).astype(np.int32),
    )


def liking(tracks: Tracks, *, listeners: Listeners, rows: slice) -> np.ndarray:
    """Compute how much listeners like the audible attributes of each track.

    Parameters
    ----------
    tracks : Tracks
    listeners : Listeners
    rows : slice
        Rows of the listeners.

    Returns
    -------
    np.ndarray [shape=(n_rows, n_tracks), dtype=float32]
        Zero on average for a listener.
    """
    scores = SHARPNESS * (listeners.taste[rows] @ tracks.audible.T)
    centred: np.ndarray = scores - scores.mean(axis=1, keepdims=True)
    return centred


def appeal_of(tracks: Tracks, listeners: Listeners) -> np.ndarray:
    """Log of the plays that audio alone would earn each track, [shape=(n_tracks,)]."""
    scores = liking(tracks, listeners=listeners, rows=slice(0, SAMPLE)).astype(np.float64)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(np.log(shares.mean(axis=0) * shares.shape[1]))


def _tried_tracks(tracks: Tracks, listeners: Listeners, *, start: int, appeal: np.ndarray,
           rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The tracks that a chunk of listeners tries, and the number of plays of each."""
    rows = slice(start, start + CHUNK)
    liked = liking(tracks, listeners=listeners, rows=rows)
    at_home = listeners.scene[rows, None] == tracks.scene[None, :]
    # With the average appeal subtracted, fame alone makes a track popular.
    wanted = liked - appeal + SCENE_WEIGHT * at_home
    wanted += FAME_WEIGHT * listeners.fame[rows, None] * tracks.log_fame
    # The k largest of score + Gumbel noise: k draws without replacement from the softmax.
    noisy = wanted + rng.gumbel(size=wanted.shape)
    order = np.argsort(-noisy, axis=1)
    taken = np.arange(order.shape[1])[None, :] < listeners.n_tracks[rows, None]
    row, rank = np.nonzero(taken)
    track = order[row, rank]
    spread = max(float(liked.std()), 1e-6)
    # Some listeners replay everything they like, others hardly anything.
    devotion = DEVOTION_SPREAD * rng.standard_normal(len(liked))
    mean_log = 0.1 + 0.35 * liked[row, track] / spread + devotion[row]
    count = 1 + np.floor(rng.lognormal(mean_log, 1.0)).astype(np.int64)
    return row + start, track, np.minimum(count, 300)


def _first_of_run(*keys: np.ndarray) -> np.ndarray:
    """True where any of the keys differs from the row before, [shape=(n,)]."""
    new = np.ones(len(keys[0]), dtype=bool)
    if len(new):
        new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return new


def start_times(owner: np.ndarray, length: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the start of each session; a listener's sessions are in bursts and do not overlap.

    Parameters
    ----------
    owner : np.ndarray [shape=(n_sessions,)]
        Listener of each session, sorted.
    length : np.ndarray [shape=(n_sessions,)], seconds
    rng : np.random.Generator

    Returns
    -------
    np.ndarray [shape=(n_sessions,), dtype=int64], seconds since 1970
    """
    first = _first_of_run(owner)
    group = np.cumsum(first) - 1
    gap = rng.lognormal(0.0, 1.5, len(owner))
    last_gap = rng.lognormal(0.0, 1.5, int(first.sum()))
    total_gap = np.bincount(group, weights=gap) + last_gap
    total_length = np.bincount(group, weights=length)
    free = np.maximum(PLAYS_UNTIL - PLAYS_FROM - total_length, 0.0)

    def before(values: np.ndarray) -> np.ndarray:
        sums = np.cumsum(values)
        return np.asarray(sums - values - (sums - values)[first][group])

    start = PLAYS_FROM + (before(gap) + gap) / total_gap[group] * free[group] + before(length)
    return np.asarray(start, dtype=np.int64)


def _schedule(listener: np.ndarray, track: np.ndarray, mood: np.ndarray,
              rng: np.random.Generator) -> MadePlays:  # fmt: skip
    """Arrange single plays in sessions of one mood, and the sessions over two years."""
    n = len(listener)
    # Similar tracks are played together, loosely; sessions end at random.
    order = np.lexsort((mood[track] + 0.7 * rng.standard_normal(n), listener))
    listener, track = listener[order], track[order]
    cut = _first_of_run(listener) | (rng.random(n) < 1.0 / PLAYS_PER_SESSION)
    session = np.cumsum(cut) - 1
    owner, n_sessions = listener[cut], int(session[-1]) + 1
    # Sessions are in any order, not from the calmest to the wildest.
    rank = np.empty(n_sessions, dtype=np.int64)
    rank[np.lexsort((rng.random(n_sessions), owner))] = np.arange(n_sessions)
    session = rank[session]
    order = np.lexsort((rng.random(n), session))
    listener, track, session = listener[order], track[order], session[order]
    size = np.bincount(session, minlength=n_sessions)
    step = SONG_SECONDS * rng.uniform(0.7, 1.3, n)
    offset = np.cumsum(step) - step
    starts_at = offset[np.cumsum(size) - size]
    length = np.bincount(session, weights=step)
    start = start_times(owner, length + 1_800.0, rng)
    timestamp = start[session] + (offset - starts_at[session]).astype(np.int64)
    order = np.lexsort((timestamp, track, session))
    keys = (session[order], track[order])
    first = np.flatnonzero(_first_of_run(*keys))
    plays = np.diff(np.append(first, n))
    kept = order[first]
    by_time = np.lexsort((timestamp[kept], listener[kept]))
    kept, plays = kept[by_time], plays[by_time]
    home = np.searchsorted(owner, listener[kept])
    return MadePlays(
        listener[kept].astype(np.int32), track[kept].astype(np.int32), plays.astype(np.int32),
        timestamp[kept], (session[kept] - home).astype(np.int32),
    )  # fmt: skip


def sample_plays(tracks: Tracks, *, listeners: Listeners, seed: int) -> MadePlays:
    """Simulate the plays of listeners.

    Parameters
    ----------
    tracks : Tracks
    listeners : Listeners
    seed : int

    Returns
    -------
    MadePlays
        A track released during that time is played from its release only.
    """
    appeal, mood = appeal_of(tracks, listeners), _mood(tracks)
    parts = []
    for number, start in enumerate(range(0, len(listeners.scene), CHUNK)):
        rng = generator(seed, STREAM_PLAYS, number)
        row, track, count = _tried_tracks(tracks, listeners, start=start, appeal=appeal, rng=rng)
        plays = _schedule(np.repeat(row, count), np.repeat(track, count), mood, rng)
        keep = plays.timestamp >= tracks.released[plays.track]
        parts.append(MadePlays(*(column[keep] for column in plays)))
    return MadePlays(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _mood(tracks: Tracks) -> np.ndarray:
    """The direction of largest audible variance of tracks, [shape=(n_tracks,)]."""
    return np.asarray(principal_directions(tracks, n=1)[:, 0])


def principal_directions(tracks: Tracks, *, n: int) -> np.ndarray:
    """Positions of tracks along the directions of largest audible variance.

    Returns
    -------
    places : np.ndarray [shape=(n_tracks, n)]
        Of mean 0 and standard deviation 1 in each.
    """
    centred = tracks.audible - tracks.audible.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.stack([_scaled(centred @ direction) for direction in directions[:n]], axis=1)


def _scaled(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / max(float(values.std()), 1e-6))
