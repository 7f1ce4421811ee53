"""Neighbours by the plain matrix product: no structure to build, exact under every filter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Scores held at once, float32: 64 MB.
MAX_SCORES = 16_000_000


class Rows(NamedTuple):
    """Row numbers and scores of neighbours, best first.

    Attributes
    ----------
    rows : np.ndarray [shape=(n_queries, k)], int64
    scores : np.ndarray [shape=(n_queries, k)], float32
    """

    rows: np.ndarray
    scores: np.ndarray


def search_product(
    queries: np.ndarray, *, vectors: np.ndarray, k: int, allowed: np.ndarray | None = None
) -> Rows:
    """The `k` rows of `vectors` with the largest inner product with each query.

    Parameters
    ----------
    queries : np.ndarray [shape=(n_queries, d)], float32
    vectors : np.ndarray [shape=(n, d)], float32
    k : int
        At most as many as there are rows allowed.
    allowed : np.ndarray [shape=(n,)], bool, or None
        Rows that may be answered; None allows all.

    Returns
    -------
    found : Rows
        Equal scores stand in the order of their rows.
    """
    rows = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    step = max(1, MAX_SCORES // max(1, len(vectors)))
    for start in range(0, len(queries), step):
        products = queries[start : start + step] @ vectors.T
        if allowed is not None:
            products[:, ~allowed] = -np.inf
        for offset, product in enumerate(products):
            best = largest(product, k=k)
            rows[start + offset] = best
            scores[start + offset] = product[best]
    return Rows(rows, scores)


def largest(scores: np.ndarray, *, k: int) -> np.ndarray:
    """Positions of the `k` largest scores, best first, equal ones in order of position.

    Parameters
    ----------
    scores : np.ndarray [shape=(n,)]
    k : int
        From 0 to n.
    """
    if k == 0:
        return np.empty(0, dtype=np.int64)
    last = -np.partition(-scores, k - 1)[k - 1]
    above = np.flatnonzero(scores > last)
    level = np.flatnonzero(scores == last)[: k - len(above)]
    chosen = np.concatenate([above, level])
    return chosen[np.lexsort((chosen, -scores[chosen]))]


def in_order(found: Rows) -> Rows:
    """The same neighbours with equal scores in the order of their rows."""
    order = np.lexsort((found.rows, -found.scores), axis=-1)
    return Rows(
        np.take_along_axis(found.rows, order, axis=-1),
        np.take_along_axis(found.scores, order, axis=-1),
    )
