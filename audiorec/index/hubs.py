"""Hub correction: what is near to everything is held back, so that every track comes up somewhere.

In spaces of many dimensions a few vectors, the hubs, are among the nearest of very many others,
and some are among the nearest of none (Radovanovic, Nanopoulos & Ivanovic 2010). Cross-domain
similarity local scaling ranks by

    CSLS(x, y) = 2 cos(x, y) - r(x) - r(y)

with r(y) the mean cosine of y to the k nearest of those who may ask for it (Conneau et al. 2018,
"Word translation without parallel data", section 2.3). r(x) does not change the order of an
answer, so y is served as [y, -r(y) / 2] and x asks as [x, |x|]: one more dimension, exact in every
index of inner products. Tracks are asked for by tracks, and by listeners; each has an r of its own.
"""

from __future__ import annotations

import numpy as np

from audiorec.embeddings import unit_norm

# k of r: from 5 to 50 the neighbours of tracks were as evenly spread.
NEIGHBOURS = 10
# Those who may ask are represented by so many, evenly spread.
MAX_ASKING = 5_000
# Scores held at once, float32: 64 MB.
MAX_SCORES = 16_000_000


def hub_offsets(
    vectors: np.ndarray, asking: np.ndarray, *, own: np.ndarray | None = None
) -> np.ndarray:
    """What each vector is held back by: -r(y) / 2.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
        Of unit norm where scores are cosines.
    asking : np.ndarray [shape=(m, d)], float32
        Those who may ask, of any norm: their directions count.
    own : np.ndarray [shape=(m,)], int64, or None
        Row in `vectors` of each of those who ask, where they are among them: nobody asks for
        themselves.

    Returns
    -------
    offsets : np.ndarray [shape=(n,)], float32
        Zeros when nobody asks.
    """
    m = len(asking)
    if m > MAX_ASKING:
        some = np.unique(np.linspace(0, m - 1, MAX_ASKING).astype(np.int64))
        asking, own = asking[some], None if own is None else own[some]
        m = len(some)
    offsets = np.zeros(len(vectors), dtype=np.float32)
    k = min(NEIGHBOURS, m - (own is not None))
    if k < 1:
        return offsets
    directions = unit_norm(asking).T
    step = max(1, MAX_SCORES // m)
    for start in range(0, len(vectors), step):
        scores = vectors[start : start + step] @ directions
        if own is not None:
            here = np.flatnonzero((own >= start) & (own < start + step))
            scores[own[here] - start, here] = -np.inf
        nearest = np.sort(np.partition(scores, m - k, axis=1)[:, m - k :], axis=1)
        offsets[start : start + step] = -nearest.mean(axis=1, dtype=np.float64) / 2
    return offsets
