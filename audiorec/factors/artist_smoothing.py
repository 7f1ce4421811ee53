"""Artist smoothing: a track's vector beside its artist's other tracks.

A new track is seldom by somebody new. What its artist's listeners are is known then, and tells more
than its sound does; both together tell more than either. With n other tracks by the artist that
have listeners, a track whose sound predicts p is placed between p and the mean a of their factors,

    (1 - w) p + w a,    w = n / (n + k)

as directions; its length stays that of the prediction. k is chosen by artists whom the predictions
were not learned from.
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
    """How far a track is drawn towards its artist's others.

    Attributes
    ----------
    k : float or None
        So many of them count as much as the track's own sound; None leaves every track where its
        sound places it.
    """

    k: float | None = None


NO_SMOOTHING = ArtistSmoothing()


def artist_smoothing_from(kept: Mapping[str, Any]) -> ArtistSmoothing:
    """What a model's manifest keeps of one; `NO_SMOOTHING` where it keeps none.

    Raises
    ------
    ParameterError
        If the value is none that could have been learned.
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
    """Predictions drawn towards the factors of the artist's other tracks.

    Parameters
    ----------
    content : Embeddings
        Predictions from sound.
    factors : Embeddings
        Of tracks that have listeners, among those of `content` or beside them.
    artists : mapping of str to str
        Artist of each track; one that has none is left alone.
    smoothing : ArtistSmoothing

    Returns
    -------
    tracks : Embeddings
        In the order of `content`, each as long as its prediction.
    """
    if smoothing.k is None or not len(factors):
        return content
    others = _others(content, factors=factors, artists=artists)
    placed = _drawn(unit_norm(content.vectors), others, smoothing.k)
    lengths = np.linalg.norm(content.vectors, axis=1, keepdims=True)
    return Embeddings(content.ids, (placed * lengths).astype(np.float32))


class _Others(NamedTuple):
    """How many other tracks of its artist have a factor, per track, and their mean direction."""

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
    """Directions `own` [shape=(n_tracks, d)] drawn towards others."""
    weight = (others.n / (others.n + k))[:, None]
    return unit_norm(((1 - weight) * own + weight * others.directions).astype(np.float32))


def fit_artist_smoothing(
    unseen: Embeddings, *, factors: Embeddings, artists: Mapping[str, str]
) -> ArtistSmoothing:
    """Choose k, if the factors of artists' tracks agree with one another beyond what sound tells.

    Parameters
    ----------
    unseen : Embeddings
        Predictions for tracks by artists that they were not learned from.
    factors : Embeddings
        Of these tracks at least.
    artists : mapping of str to str

    Returns
    -------
    smoothing : ArtistSmoothing
        What brings each track nearest to its factor, by the cosine; `NO_SMOOTHING` where the gain
        is not sure.
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
