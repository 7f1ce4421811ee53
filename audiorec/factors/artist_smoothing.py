"""Artist smoothing: shrinkage of a track's vector towards its artist's other tracks.

A new track is seldom by a new artist. The factors of the artist's other tracks are then known, and
are more informative than its audio; both together are more so than either. With n other tracks by
the artist that have listeners, a track predicted at p from its audio is placed between p and the
mean a of their factors,

    (1 - w) p + w a,    w = n / (n + k)

as directions; its length stays that of the prediction. k is chosen on artists not used to fit
the predictions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.factors.significant_choice import significantly_better_choice

KS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class ArtistSmoothing(NamedTuple):
    """Strength of a track's shrinkage towards its artist's other tracks.

    Attributes
    ----------
    k : float or None
        Number of other tracks that weigh as much as the track's own audio; None leaves every
        prediction as it is.
    """

    k: float | None = None


NO_SMOOTHING = ArtistSmoothing()


def artist_smoothing_from(kept: Mapping[str, Any]) -> ArtistSmoothing:
    """Read artist smoothing from a model's manifest; `NO_SMOOTHING` where it has none.

    Raises
    ------
    ParameterError
        If the value is invalid.
    """
    if not isinstance(kept, Mapping):
        raise ParameterError(f"smoothing={kept!r} must be a table with k")
    k = kept.get("k")
    if k is None:
        return NO_SMOOTHING
    if not isinstance(k, int | float) or isinstance(k, bool) or not 0 < k < float("inf"):
        raise ParameterError(f"smoothing={kept!r} must have a k above 0")
    return ArtistSmoothing(float(k))


def smooth_by_artist(
    content: Embeddings,
    *,
    factors: Embeddings,
    artists: Mapping[str, str],
    smoothing: ArtistSmoothing,
) -> Embeddings:
    """Shrink predictions towards the factors of the artist's other tracks.

    Parameters
    ----------
    content : Embeddings
        Predictions from audio.
    factors : Embeddings
        Of tracks that have listeners, whether in `content` or not.
    artists : mapping of str to str
        Artist of each track; a track without one is unchanged.
    smoothing : ArtistSmoothing

    Returns
    -------
    tracks : Embeddings
        In the order of `content`, each of the same length as its prediction.
    """
    if smoothing.k is None or not len(factors):
        return content
    others = _others(content, factors=factors, artists=artists)
    placed = _drawn(unit_norm(content.vectors), others, smoothing.k)
    lengths = np.linalg.norm(content.vectors, axis=1, keepdims=True)
    return Embeddings(content.ids, (placed * lengths).astype(np.float32))


class _Others(NamedTuple):
    """Number of other tracks of the artist with factors, per track, and their mean direction."""

    n: np.ndarray
    directions: np.ndarray


def _others(content: Embeddings, *, factors: Embeddings, artists: Mapping[str, str]) -> _Others:
    numbers = {name: n for n, name in enumerate(sorted({*artists.values()} - {""}))}

    def artist_of(ids: tuple[str, ...]) -> np.ndarray:
        return np.array([numbers.get(artists.get(id_, ""), -1) for id_ in ids], dtype=np.int64)

    directions = unit_norm(factors.vectors)
    theirs = artist_of(factors.ids)
    sums, counts = np.zeros((len(numbers) + 1, content.dim)), np.zeros(len(numbers) + 1)
    np.add.at(sums, theirs, directions)
    np.add.at(counts, theirs, 1.0)
    sums[-1], counts[-1] = 0.0, 0.0  # of tracks without an artist
    mine = artist_of(content.ids)
    n, total = counts[mine], sums[mine]
    for row, id_ in enumerate(content.ids):
        if id_ in factors and mine[row] >= 0:
            n[row] -= 1
            total[row] -= directions[factors.id_map.row(id_)]
    return _Others(n, unit_norm(total.astype(np.float32)))


def _drawn(own: np.ndarray, others: _Others, k: float) -> np.ndarray:
    """Directions `own` [shape=(n_tracks, d)] shrunk towards others."""
    weight = (others.n / (others.n + k))[:, None]
    return unit_norm(((1 - weight) * own + weight * others.directions).astype(np.float32))


def fit_artist_smoothing(
    unseen: Embeddings, *, factors: Embeddings, artists: Mapping[str, str]
) -> ArtistSmoothing:
    """Choose k, if factors of an artist's tracks agree more than their audio predicts.

    Parameters
    ----------
    unseen : Embeddings
        Predictions for tracks by artists not used to fit them.
    factors : Embeddings
        Of these tracks at least.
    artists : mapping of str to str

    Returns
    -------
    smoothing : ArtistSmoothing
        The k whose vectors are nearest to the factors, by the cosine; `NO_SMOOTHING` if the gain is
        not significant.
    """
    by = {id_: artists[id_] for id_ in unseen.ids if artists.get(id_)}
    count = Counter(by.values())
    by = {id_: artist for id_, artist in by.items() if count[artist] > 1}
    if not by:
        return NO_SMOOTHING
    unseen, known = unseen.take(list(by)), factors.take(list(by))
    own, wanted = unit_norm(unseen.vectors), unit_norm(known.vectors)
    others = _others(unseen, factors=known, artists=by)
    nearness: dict[ArtistSmoothing, np.ndarray] = {NO_SMOOTHING: (own * wanted).sum(axis=1)}
    for k in KS:
        nearness[ArtistSmoothing(k)] = (_drawn(own, others, k) * wanted).sum(axis=1)
    return significantly_better_choice(nearness, groups=list(by.values()), default=NO_SMOOTHING)
