"""What each filter of the network listens for, read from the tracks that excite it most.

Dieleman, "Recommending music on Spotify with deep learning", 2014: for every filter of a
convolutional layer, the tracks with the greatest mean of its activation over the clip, and those
with the greatest maximum. Whether these share a genre is held against chance: genres are exchanged
among artists, whose tracks sound alike, and the greatest lift that is found then is what a filter
that listens for nothing would show too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.data.catalog.records import Track
from audiorec.data.catalog.tags import given_tags
from audiorec.exceptions import NotFoundError
from audiorec.explain.activations import Activations, filter_activations
from audiorec.progress import Progress, silent
from audiorec.recommend.library import Library

TOP_SHARE, LEAST_TOP = 0.05, 10  # of the tracks, that excite a filter most
LEAST_TRACKS = 10  # of a genre, that its lift is asked of
PERMUTATIONS = 500
SHOWN = 4  # tracks of each filter that are named
SEED = 0
LEVEL = 0.05


class Excerpt(NamedTuple):
    """A track that excites a filter, and where most.

    Attributes
    ----------
    track_id : str
    activation : float
        Mean, or maximum, over the clip.
    clip : int
        Number of the clip.
    seconds : float
        From the beginning of the clip.
    """

    track_id: str
    activation: float
    clip: int
    seconds: float


class FilterReading(NamedTuple):
    """What excites a filter.

    Attributes
    ----------
    layer : str
    number : int
        Within its layer, from 0.
    by_mean, by_max : tuple of Excerpt
        Tracks with the greatest mean, and maximum, of the activation.
    genre : str
        Whose share among the tracks that excite it most on average has grown most; empty where no
        genre has tracks enough.
    lift : float
        Its share among those over its share in the library.
    share : float
        Among those.
    p : float
        How often a filter shows such a lift where genres are exchanged among artists.
    lift_by_max : float
        The lift of the same genre among the tracks of the greatest maxima.
    """

    layer: str
    number: int
    by_mean: tuple[Excerpt, ...]
    by_max: tuple[Excerpt, ...]
    genre: str
    lift: float
    share: float
    p: float
    lift_by_max: float


class NetworkReading(NamedTuple):
    """What excites the filters of a network.

    Attributes
    ----------
    encoder : str
    n_tracks, n_top : int
        Tracks that were looked at, and how many of them excite a filter most.
    n_filters, n_constant : int
        Filters, and how many of them say the same of every track.
    n_selective : int
        Of the others, those with `p` up to 0.05; of filters that listen for nothing one in twenty.
    chance_lift : float
        The greatest lift of any filter that one in twenty exchanges of genres exceeds.
    filters : tuple of FilterReading
        The most selective first, without those that are constant.
    """

    encoder: str
    n_tracks: int
    n_top: int
    n_filters: int
    n_constant: int
    n_selective: int
    chance_lift: float
    filters: tuple[FilterReading, ...]


def read_filters(
    library: Library, *, n_tracks: int = 300, layer: str | None = None, progress: Progress = silent
) -> NetworkReading:
    """What excites the filters of the model's encoder, trained here or not.

    Parameters
    ----------
    library : Library
    n_tracks : int
        At most so many tracks are listened to, drawn evenly from the library.
    layer : str, optional
        One layer alone, by its name.
    progress : Progress

    Raises
    ------
    ArtifactError
        If there is no model, or no spectrograms that it takes.
    NotFoundError
        If the encoder has no filters, or no such layer; or there are too few tracks.
    """
    hidden = library.hidden
    found = filter_activations(
        library.workspace, n_tracks=n_tracks, layer=layer, skip=hidden, progress=progress
    )
    if len(found.ids) < 2 * LEAST_TOP:
        raise NotFoundError(
            f"{len(found.ids)} tracks with spectrograms are too few to tell filters apart, and "
            f"at least {2 * LEAST_TOP} are needed; add music"
        )
    return _read_network(found, [library.track(id_) for id_ in found.ids])


def _read_network(found: Activations, tracks: Sequence[Track]) -> NetworkReading:
    n_top = max(LEAST_TOP, round(TOP_SHARE * len(tracks)))
    varies = np.flatnonzero(found.means.max(axis=0) - found.means.min(axis=0) > 1e-6)
    top_mean, top_max = (np.argsort(-x[:, varies], axis=0, kind="stable")[:n_top]
                         for x in (found.means, found.maxima))  # fmt: skip
    names, genres = genre_columns([track.genre for track in tracks])
    artists = [track.artist_key for track in tracks]
    best, shares, lifts, chance = _lifts(top_mean, genres, artists)
    by_max = _shares(top_max, genres)
    base = genres.mean(axis=0)
    readings = []
    for place, column in enumerate(varies):
        genre = int(best[place]) if len(names) else -1
        named = len(names) > 0
        readings.append(
            FilterReading(
                *found.filters[column],
                _excerpts(found, found.means, top_mean[:, place], int(column)),
                _excerpts(found, found.maxima, top_max[:, place], int(column)),
                names[genre] if named else "",
                round(float(lifts[place]), 2) if named else 1.0,
                round(float(shares[place, genre]), 3) if named else 0.0,
                round(float((1 + (chance >= lifts[place]).sum()) / (1 + chance.size)), 4),
                round(float(by_max[place, genre] / base[genre]), 2) if named else 1.0,
            )
        )
    readings.sort(key=lambda each: (-each.lift, each.layer, each.number))
    highest = chance.max(axis=1) if chance.size else np.ones(1)
    return NetworkReading(
        found.encoder, len(tracks), n_top, len(found.filters), len(found.filters) - len(varies),
        sum(each.p <= LEVEL for each in readings),
        round(float(np.quantile(highest, 1 - LEVEL)), 2), tuple(readings),
    )  # fmt: skip


def genre_columns(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Genres with tracks enough, and who has them : np.ndarray [shape=(n_tracks, n)], bool."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        for genre in set(given_tags(text)):
            rows[genre].append(row)
    names = sorted(name for name, own in rows.items() if LEAST_TRACKS <= len(own) < len(texts))
    columns = np.zeros((len(texts), len(names)), dtype=bool)
    for column, name in enumerate(names):
        columns[rows[name], column] = True
    return names, columns


def _lifts(
    top: np.ndarray, genres: np.ndarray, artists: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Genre of each filter, all shares, the lift, and lifts by chance.

    Returns
    -------
    best : np.ndarray [shape=(n_filters,)], int64
    shares : np.ndarray [shape=(n_filters, n_genres)]
    lifts : np.ndarray [shape=(n_filters,)]
    chance : np.ndarray [shape=(PERMUTATIONS, n_filters)]
    """
    n_filters = top.shape[1]
    if not genres.shape[1]:
        nothing = np.zeros(n_filters)
        empty = np.zeros((n_filters, 0))
        return nothing.astype(np.int64), empty, nothing, np.zeros((0, n_filters))
    shares = _shares(top, genres)
    lifts = shares / genres.mean(axis=0)
    rng = np.random.default_rng(SEED)
    numbers = np.unique(np.asarray(artists), return_inverse=True)[1]
    first = np.full(numbers.max() + 1, len(numbers))
    np.minimum.at(first, numbers, np.arange(len(numbers)))
    chance = np.empty((PERMUTATIONS, n_filters))
    for row in range(PERMUTATIONS):
        exchanged = genres[first[rng.permutation(len(first))]][numbers]
        base = np.maximum(exchanged.mean(axis=0), 1 / len(genres))
        # A genre that got only a few tracks would show a lift that those asked of cannot.
        base = np.where(exchanged.sum(axis=0) < LEAST_TRACKS, np.inf, base)
        chance[row] = (_shares(top, exchanged) / base).max(axis=1)
    return lifts.argmax(axis=1), shares, lifts.max(axis=1), chance


def _shares(top: np.ndarray, genres: np.ndarray) -> np.ndarray:
    """Share of each genre among each filter's tracks : np.ndarray [shape=(n_filters, n)]."""
    return np.asarray(genres[top].mean(axis=0))


def _excerpts(
    found: Activations, values: np.ndarray, rows: np.ndarray, column: int
) -> tuple[Excerpt, ...]:
    return tuple(
        Excerpt(
            found.ids[row], round(float(values[row, column]), 4), int(found.clips[row, column]),
            round(float(found.seconds[row, column]), 1),
        )
        for row in rows[:SHOWN]
    )  # fmt: skip
