"""Where an artist's other tracks say that a track lies, beside its own sound.

A new track is seldom by somebody new. What its artist's listeners are is known then, and tells more
than its sound does; both together tell more than either. With n other tracks by the artist, a track
is placed between its own prediction p and their mean a,

    (1 - w) p + w a,    w = share * n / (n + half)

as directions; its length stays that of the prediction. Tracks without listeners count for less:
of these, too, the predictions are known, and the mean of several errs less than one. How much all
that is worth is measured by artists whom the predictions were not learned from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from audiorec.data.grouping import one_se_rule
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError

SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
HALVES = (0.25, 0.5, 1.0, 2.0, 4.0)
GUESSES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


class ArtistSmoothing(NamedTuple):
    """How far a track is drawn towards its artist's others.

    Attributes
    ----------
    share : float
        The most that they count, beside the track's own sound; 0 leaves every track where its
        sound places it.
    half : float
        So many of them count half of that.
    guess : float
        What one without listeners counts as, beside one with a factor.
    """

    share: float = 0.0
    half: float = 1.0
    guess: float = 0.0


NO_ARTISTS = ArtistSmoothing()


def artist_smoothing_from(kept: Mapping[str, Any]) -> ArtistSmoothing:
    """What a model's manifest keeps of one; `NO_ARTISTS` for one from before there was any.

    Raises
    ------
    ParameterError
        If a value is none that could have been learned.
    """
    if not kept:
        return NO_ARTISTS
    try:
        found = ArtistSmoothing(*(float(kept[name]) for name in ArtistSmoothing._fields))
    except (KeyError, TypeError, ValueError):
        found = None
    if found is None or not (0 <= found.share < 1 and found.half > 0 and 0 <= found.guess <= 1):
        raise ParameterError(f"artists={kept!r} is no share, half and guess of an artist's tracks")
    return found


def smooth_by_artist(
    sound: Embeddings,
    *,
    factors: Embeddings,
    artists: Mapping[str, str],
    prior: ArtistSmoothing,
) -> Embeddings:
    """Predictions drawn towards what is known of the artist's other tracks.

    Parameters
    ----------
    sound : Embeddings
        Predictions from sound.
    factors : Embeddings
        Of tracks that have listeners, among those of `sound` or beside them.
    artists : mapping of str to str
        Artist of each track; one that has none is left alone.
    prior : ArtistSmoothing

    Returns
    -------
    tracks : Embeddings
        In the order of `sound`, each as long as its prediction.
    """
    if not prior.share:
        return sound
    others = _others(sound, factors=factors, artists=artists, guess=prior.guess)
    if not len(others.rows):
        return sound
    placed = _drawn(unit_norm(sound.vectors), others, prior)
    lengths = np.linalg.norm(sound.vectors, axis=1, keepdims=True)
    return Embeddings(sound.ids, (placed * lengths).astype(np.float32))


class _Others(NamedTuple):
    """Of the tracks that have an artist, `rows`: how many others count, and their directions."""

    rows: np.ndarray
    n: np.ndarray
    directions: np.ndarray


def _others(
    sound: Embeddings, *, factors: Embeddings, artists: Mapping[str, str], guess: float
) -> _Others:
    everyone = [*sound.ids, *(id_ for id_ in factors.ids if id_ not in sound)]
    names = {name: n for n, name in enumerate(sorted({*artists.values()} - {""}))}
    member = np.array([names.get(artists.get(id_, ""), -1) for id_ in everyone], dtype=np.int64)
    # What each track tells the others by its artist: its factor, else what its sound predicts.
    told = np.zeros((len(everyone), sound.dim), dtype=np.float32)
    told[: len(sound)] = unit_norm(sound.vectors) * np.float32(guess)
    worth = np.full(len(everyone), guess)
    played = [row for row, id_ in enumerate(everyone) if id_ in factors]
    told[played] = unit_norm(factors.take([everyone[row] for row in played]).vectors)
    worth[played] = 1.0
    some = np.flatnonzero(member >= 0)
    sums, counts = np.zeros((len(names), sound.dim)), np.zeros(len(names))
    np.add.at(sums, member[some], told[some])
    np.add.at(counts, member[some], worth[some])
    rows = some[some < len(sound)]
    n = np.maximum(counts[member[rows]] - worth[rows], 0.0)
    return _Others(rows, n, unit_norm((sums[member[rows]] - told[rows]).astype(np.float32)))


def _drawn(own: np.ndarray, others: _Others, prior: ArtistSmoothing) -> np.ndarray:
    """Directions `own` [shape=(n_tracks, d)] drawn towards others."""
    weight = (prior.share * others.n / (others.n + prior.half))[:, None]
    placed = own.copy()
    placed[others.rows] = unit_norm((1 - weight) * own[others.rows] + weight * others.directions)
    return placed


def fit_artist_smoothing(
    unseen: Embeddings, *, factors: Embeddings, artists: Mapping[str, str]
) -> ArtistSmoothing:
    """How far the factors of artists' tracks agree with one another beyond what sound tells.

    Parameters
    ----------
    unseen : Embeddings
        Predictions for tracks by artists that they were not learned from.
    factors : Embeddings
        Of these tracks at least.
    artists : mapping of str to str

    Returns
    -------
    prior : ArtistSmoothing
        What brings each track nearest to its factor, by the cosine: first beside the factors of
        the artist's others, then beside their predictions. `NO_ARTISTS`, or a guess of 0, where
        the gain is not sure.
    """
    by = {id_: artists[id_] for id_ in unseen.ids if artists.get(id_)}
    count = Counter(by.values())
    by = {id_: artist for id_, artist in by.items() if count[artist] > 1}
    if not by:
        return NO_ARTISTS
    unseen, known = unseen.take(list(by)), factors.take(list(by))
    own, wanted = unit_norm(unseen.vectors), unit_norm(known.vectors)

    def nearness(others: _Others, prior: ArtistSmoothing) -> np.ndarray:
        return np.asarray((_drawn(own, others, prior) * wanted).sum(axis=1))

    groups = list(by.values())
    played = _others(unseen, factors=known, artists=by, guess=0.0)
    tried = [NO_ARTISTS, *(ArtistSmoothing(*pair) for pair in product(SHARES, HALVES))]
    found = one_se_rule({p: nearness(played, p) for p in tried}, groups=groups, unless=NO_ARTISTS)
    if not found.share:
        return found
    heard = {}
    for guess in GUESSES:
        others = _others(unseen, factors=known.take(()), artists=by, guess=guess)
        heard[found._replace(guess=guess)] = nearness(others, found)
    return one_se_rule(heard, groups=groups, unless=found)
