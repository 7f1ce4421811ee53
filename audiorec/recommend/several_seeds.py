"""Neighbours of several tracks at once, by agreement.

The mean of several vectors is near none of them: it is the library's most average music. Here
each seed scores every candidate, and a candidate's scores are combined by a soft maximum,

    s(x) = log(mean_i exp(b s_i(x))) / b,    b = SHARPNESS / std(s_i(x))

which lies between their mean and their maximum: high if several seeds agree, or if one is
very near.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.index import Index

SHARPNESS = 3.0
POOL = 200  # least number of neighbours of each seed that are scored by all
PENALTY = 0.5  # weight of the similarity to negative seeds


def rank_by_agreement(
    index: Index,
    vectors: np.ndarray,
    k: int,
    *,
    against: np.ndarray | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
) -> tuple[list[str], list[float]]:
    """Rank the tracks that several vectors agree on.

    Parameters
    ----------
    index : Index
    vectors : np.ndarray [shape=(n, d)], float32
    k : int
        Number of tracks; fewer if there are not enough.
    against : np.ndarray [shape=(m, d)], float32, or None
        Vectors of negative seeds. A track nearer to one of them than to all of `vectors` is left
        out; any other loses half of its similarity to them.
    include, exclude
        See `Index.search`.

    Returns
    -------
    ids : list of str
        Best first.
    scores : list of float
        For a single vector, the scores of `Index.search`.
    """
    vectors = unit_norm(np.atleast_2d(vectors))
    n = max(POOL, 4 * k)
    ids = index.search(vectors, n, include=include, exclude=exclude).ids
    pool = sorted(set().union(*ids))
    if not pool:
        return [], []
    wanted = _scores(index, vectors, pool)
    total = _soft_maximum(wanted)
    if against is not None and len(against):
        unwanted = _scores(index, unit_norm(np.atleast_2d(against)), pool).max(axis=0)
        total = np.where(unwanted < wanted.max(axis=0), total, -np.inf)
        total = total - PENALTY * np.maximum(unwanted, 0)
    best = np.argsort(-total, kind="stable")[:k]
    best = best[np.isfinite(total[best])]
    return [pool[place] for place in best], total[best].tolist()


def _soft_maximum(scores: np.ndarray) -> np.ndarray:
    """Compute the soft maximum of each column : np.ndarray [shape=(n_tracks,)], float64."""
    spread = float(scores.std())
    if len(scores) == 1 or not spread:
        return np.asarray(scores.mean(axis=0), dtype=np.float64)
    sharp = SHARPNESS / spread
    top = scores.max(axis=0)
    return np.asarray(
        top + np.log(np.exp(sharp * (scores.astype(np.float64) - top)).mean(axis=0)) / sharp
    )


def _scores(index: Index, vectors: np.ndarray, pool: list[str]) -> np.ndarray:
    """Score a sorted pool of tracks for each vector : np.ndarray [shape=(n, n_pool)]."""
    neighbours = index.search(vectors, len(pool), include=pool)
    place = {id_: column for column, id_ in enumerate(pool)}
    scores = np.empty((len(vectors), len(pool)), dtype=np.float32)
    for row, ids in enumerate(neighbours.ids):
        scores[row, [place[id_] for id_ in ids]] = neighbours.scores[row]
    return scores


def representative_ids(index: Index, ids: Sequence[str], limit: int) -> list[str]:
    """Choose at most `limit` representative tracks; none if none is in the index."""
    placed = [id_ for id_ in ids if id_ in index]
    if not placed:
        return []
    vectors = np.stack([index.vector(id_) for id_ in placed])
    return [placed[row] for row in representatives(vectors, limit)]


def representatives(vectors: np.ndarray, limit: int) -> list[int]:
    """Choose representative rows: the most central, then repeatedly the farthest from those.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
    limit : int
    """
    units = unit_norm(np.asarray(vectors, dtype=np.float32))
    if len(units) <= limit:
        return list(range(len(units)))
    chosen = [int((units @ units.mean(axis=0)).argmax())]
    nearest = units @ units[chosen[0]]
    while len(chosen) < limit:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, units @ units[chosen[-1]])
    return chosen
