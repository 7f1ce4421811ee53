"""Neighbours by the plain matrix product: no structure to build, exact under every filter."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.exceptions import ParameterError

Metric = Literal["cosine", "inner_product"]

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


def rescored(rows: np.ndarray, queries: np.ndarray, *, vectors: np.ndarray) -> Rows:
    """Score neighbours again in double precision, and put them in that order.

    Matrix products round differently with the shape that they are asked in. Scored again, equal
    vectors have equal scores and stand in the order of their rows, and one query has the answer
    that it has among many.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_queries, k)], int64
    queries : np.ndarray [shape=(n_queries, d)]
    vectors : np.ndarray [shape=(n, d)]
        Both of unit norm, row by row, where scores are cosines.
    """
    order = np.empty_like(rows)
    scores = np.empty(rows.shape, dtype=np.float32)
    for place, (found, query) in enumerate(zip(rows, queries, strict=True)):
        exact = (vectors[found].astype(np.float64) * query).sum(axis=1).astype(np.float32)
        best = np.lexsort((found, -exact))
        order[place], scores[place] = found[best], exact[best]
    return Rows(order, scores)


def served(vectors: np.ndarray, metric: Metric, offsets: np.ndarray | None = None) -> np.ndarray:
    """The vectors whose inner product with what is `asked` is the score.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
    metric : {"cosine", "inner_product"}
    offsets : np.ndarray [shape=(n,)], float32, or None
        What each vector's score is moved by for a query of unit norm: one more dimension.
    """
    scored = unit_norm(vectors) if metric == "cosine" else vectors
    return scored if offsets is None else np.column_stack([scored, offsets])


def asked(queries: np.ndarray, metric: Metric, *, offsets: np.ndarray | None = None) -> np.ndarray:
    """The queries as `served` vectors with such offsets, or without any, are to be asked.

    Parameters
    ----------
    queries : np.ndarray [shape=(n_queries, d)], float32
    metric, offsets
        See `served`.
    """
    asking = unit_norm(queries) if metric == "cosine" else queries
    if offsets is None:
        return asking
    return np.column_stack([asking, np.linalg.norm(asking, axis=1)]).astype(np.float32)


def checked_metric(metric: str) -> Metric:
    """The metric of that name; `ParameterError` when there is none."""
    if metric not in ("cosine", "inner_product"):
        raise ParameterError(f"metric={metric!r} must be 'cosine' or 'inner_product'")
    return metric  # type: ignore[return-value]
