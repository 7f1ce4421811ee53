"""Hub correction: one offset per track, so that every track is recommended to somebody.

In spaces of many dimensions a few vectors, the hubs, are among the nearest of very many others,
and some are among the nearest of none (Radovanovic, Nanopoulos & Ivanovic 2010, "Hubs in space").
An offset o(y) added to the scores of a track corrects this: y is stored as [y, o(y)] and the query
is [x, |x|]. That is one more dimension, exact in every index of inner products. Queries are tracks
or listeners; each kind has offsets of its own.

`csls_offsets` lower the scores of hubs. Cross-domain similarity local scaling ranks by

    CSLS(x, y) = 2 cos(x, y) - r(x) - r(y)

with r(y) the mean cosine of y to the k nearest queries (Conneau et al. 2018,
"Word translation without parallel data", section 2.3). r(x) does not change the order of an
answer, so o(y) = -r(y) / 2.

`min_exposure_offsets` change only vectors that are in no answer: o(y) is 0, or the least that
brings y among the ten best of a few queries, those it fits best by that measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.index.exact import MAX_SCORES, spread_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# k of r: from 5 to 50 the neighbours of tracks were equally evenly spread.
NEIGHBOURS = 10
# The queries are represented by this many of them, evenly spaced.
MAX_QUERIES = 5_000
# A track is exposed if it is among this many best of this many queries. As raised tracks displace
# each other, they are raised again, a few times.
EXPOSURE_K = 10
MIN_EXPOSURE = 3
ROUNDS = 4
MAX_EXPOSURE_QUERIES = 20_000
MARGIN = 1e-4


def csls_offsets(
    vectors: np.ndarray, queries: np.ndarray, *, own: np.ndarray | None = None
) -> np.ndarray:
    """Compute CSLS offsets of vectors: -r(y) / 2.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
        Of unit norm if scores are cosines.
    queries : np.ndarray [shape=(m, d)], float32
        Queries, of any norm: their directions count.
    own : np.ndarray [shape=(m,)], int64, or None
        Row in `vectors` of each query that is among them: no query finds itself.

    Returns
    -------
    offsets : np.ndarray [shape=(n,)], float32
        Zeros without queries.
    """
    some = spread_rows(len(queries), MAX_QUERIES)
    queries, own = queries[some], None if own is None else own[some]
    m = len(some)
    offsets = np.zeros(len(vectors), dtype=np.float32)
    k = min(NEIGHBOURS, m - (own is not None))
    if k < 1:
        return offsets
    directions = unit_norm(queries).T
    step = max(1, MAX_SCORES // m)
    for start in range(0, len(vectors), step):
        scores = vectors[start : start + step] @ directions
        if own is not None:
            here = np.flatnonzero((own >= start) & (own < start + step))
            scores[own[here] - start, here] = -np.inf
        nearest = np.sort(np.partition(scores, m - k, axis=1)[:, m - k :], axis=1)
        offsets[start : start + step] = -nearest.mean(axis=1, dtype=np.float64) / 2
    return offsets


def min_exposure_offsets(
    vectors: np.ndarray,
    queries: np.ndarray,
    *,
    own: np.ndarray | None = None,
    excluded: csr_matrix | None = None,
) -> np.ndarray:
    """Compute the offsets that bring each vector into some answers: 0 if it is in them.

    Parameters
    ----------
    vectors, queries, own
        See `csls_offsets`.
    excluded : csr_matrix [shape=(m, n)], or None
        Nonzero where an answer leaves a vector out: tracks that a listener has played.

    Returns
    -------
    offsets : np.ndarray [shape=(n,)], float32
        At least 0. With too few queries for every vector to be among somebody's best, as many as
        possible are.
    """
    some = spread_rows(len(queries), MAX_EXPOSURE_QUERIES)
    directions = unit_norm(queries[some])
    own = None if own is None else own[some]
    excluded = None if excluded is None else excluded[some]
    n = len(vectors)
    offsets = np.zeros(n, dtype=np.float32)
    if n <= EXPOSURE_K or not len(some):
        return offsets
    # At most a quarter of all positions are for raised vectors.
    by = int(np.clip(len(some) * EXPOSURE_K // (4 * n), 1, min(MIN_EXPOSURE, len(some))))
    for _ in range(ROUNDS):
        lacking = np.full((by, n), np.inf, dtype=np.float32)
        step = max(1, MAX_SCORES // n)
        for start in range(0, len(some), step):
            here = slice(start, start + step)
            scores = directions[here] @ vectors.T + offsets
            if own is not None:
                scores[np.arange(len(scores)), own[here]] = -np.inf
            if excluded is not None:
                scores[excluded[here].nonzero()] = -np.inf
            last = np.partition(scores, n - EXPOSURE_K, axis=1)[:, n - EXPOSURE_K]
            last = np.maximum(last, np.finfo(np.float32).min)  # with fewer than that
            lacking = np.partition(
                np.concatenate([lacking, last[:, np.newaxis] - scores]), by - 1, axis=0
            )[:by]
        lift = lacking.max(axis=0)
        lift = np.where((lift > 0) & np.isfinite(lift), lift + MARGIN, 0)
        if not lift.any():
            break
        offsets += lift.astype(np.float32)
    return offsets
