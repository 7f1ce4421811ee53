"""Interpretation of the network's filters by the tracks that activate them most.

Dieleman, "Recommending music on Spotify with deep learning", 2014: for every filter of a
convolutional layer, the tracks with the greatest mean of its activation over the clip, and those
with the greatest maximum. Whether these share a genre is compared with chance: genres are permuted
among artists, whose tracks sound alike, and the greatest lift found then is what an unselective
filter would show too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.data.catalog import Track, given_tags
from audiorec.exceptions import NotFoundError
from audiorec.explain.activations import Activations, filter_activations
from audiorec.progress import Progress, silent
from audiorec.recommend import Library

TOP_SHARE, LEAST_TOP = 0.05, 10  # of the tracks, counted as top tracks of a filter
LEAST_TRACKS = 10  # of a genre, for a lift of it
PERMUTATIONS = 500
SHOWN = 4  # tracks listed per filter
SEED = 0
LEVEL = 0.05


class Excerpt(NamedTuple):
    """A track that activates a filter, and the time of the maximum.

    Attributes
    ----------
    track_id : str
    activation : float
        Mean, or maximum, over the clip.
    clip : int
        Number of the clip.
    seconds : float
        From the start of the clip.
    """

    track_id: str
    activation: float
    clip: int
    seconds: float


class FilterReading(NamedTuple):
    """Interpretation of a filter.

    Attributes
    ----------
    layer : str
    number : int
        Within its layer, from 0.
    by_mean, by_max : tuple of Excerpt
        Tracks with the greatest mean, and maximum, of the activation.
    genre : str
        Genre with the greatest lift among the top tracks by mean activation; empty if no genre has
        enough tracks.
    lift : float
        Its share among those divided by its share in the library.
    share : float
        Its share among those.
    p : float
        Share of filters with such a lift when genres are permuted among artists.
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
    """Interpretation of the filters of a network.

    Attributes
    ----------
    encoder : str
    n_tracks, n_top : int
        Number of tracks, and of top tracks per filter.
    n_filters, n_constant : int
        Number of filters, and of those with constant activation.
    n_selective : int
        Of the others, those with `p` up to 0.05; of unselective filters, one in twenty.
    chance_lift : float
        The greatest lift of any filter, exceeded by one in twenty permutations of genres.
    filters : tuple of FilterReading
        The most selective first, without constant ones.
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
    """Interpret the filters of the model's encoder, trained here or pretrained.

    Parameters
    ----------
    library : Library
    n_tracks : int
        Most tracks to use, drawn evenly from the library.
    layer : str, optional
        Only this layer, by name.
    progress : Progress

    Raises
    ------
    ArtifactError
        If there is no model, or no spectrograms for it.
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
    """Return genres with enough tracks, and their tracks : [shape=(n_tracks, n)], bool."""
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
    """Compute the genre of each filter, all shares, the lift, and lifts by chance.

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
        # A genre with only a few tracks by chance could show a lift that tested genres cannot.
        base = np.where(exchanged.sum(axis=0) < LEAST_TRACKS, np.inf, base)
        chance[row] = (_shares(top, exchanged) / base).max(axis=1)
    return lifts.argmax(axis=1), shares, lifts.max(axis=1), chance


def _shares(top: np.ndarray, genres: np.ndarray) -> np.ndarray:
    """Compute genre shares of each filter's tracks : np.ndarray [shape=(n_filters, n)]."""
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
