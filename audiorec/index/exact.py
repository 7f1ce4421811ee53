"""Exact neighbours by the matrix product: no structure to build, any filter."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.exceptions import ParameterError

Metric = Literal["cosine", "inner_product"]

# Scores in memory at once, float32: 64 MB.
MAX_SCORES = 16_000_000
# Queries in one product, and rows read at once where vectors are scaled before they are scored.
MAX_QUERIES = 1024
BLOCK = 65_536
# Candidates beyond k that are scored again, so that neither rounding nor a byte per dimension
# decides.
SPARE = 8
# Size of the groups of scores whose maxima `top_k` compares first.
GROUP = 64


class NeighbourRows(NamedTuple):
    """Row numbers and scores of neighbours, best first.

    Attributes
    ----------
    rows : np.ndarray [shape=(n_queries, k)], int64
    scores : np.ndarray [shape=(n_queries, k)], float32
    """

    rows: np.ndarray
    scores: np.ndarray


class NotFiniteError(ArithmeticError):
    """A row of the vectors has NaN or infinity, which only happens by damage.

    Parameters
    ----------
    row : int
    """

    def __init__(self, row: int) -> None:
        super().__init__(f"row {row} holds NaN or infinity")
        self.row = row


class SearchVectors:
    """Vectors scaled for scoring: by the inner product with a scaled query; computed when read.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
        As given; they may be memory-mapped, and larger than memory.
    metric : {"cosine", "inner_product"}
    offsets : np.ndarray [shape=(n,)], float32, or None
        Added to each vector's score for a query of unit norm: one more dimension.
    norms : np.ndarray [shape=(n,)], float32, or None
        Lengths of the vectors, if they are known.
    """

    def __init__(
        self,
        vectors: np.ndarray,
        metric: Metric,
        offsets: np.ndarray | None = None,
        norms: np.ndarray | None = None,
    ) -> None:
        self.vectors = vectors
        self.metric = metric
        self.offsets = offsets
        self.norms = norms

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        """Scaled rows : np.ndarray [shape=(n_rows, d)], float32."""
        offsets = None if self.offsets is None else self.offsets[rows]
        return np.ascontiguousarray(
            scaled_vectors(self.vectors[rows], self.metric, offsets), np.float32
        )

    def some(self, rows: np.ndarray) -> SearchVectors:
        """Select rows, in that order."""
        return SearchVectors(
            self.vectors[rows],
            self.metric,
            None if self.offsets is None else self.offsets[rows],
            None if self.norms is None else self.norms[rows],
        )

    @property
    def dim(self) -> int:
        """Dimensions, with that of the offsets."""
        return int(self.vectors.shape[1]) + (self.offsets is not None)

    def products(self, queries: np.ndarray, rows: slice) -> np.ndarray:
        """Scores of some rows : np.ndarray [shape=(n_queries, n_rows)], float32.

        The product with the stored vectors is scaled, not the vectors: nothing of their size is
        allocated.
        """
        if self.metric == "cosine" and self.norms is None:
            scores: np.ndarray = queries @ self[rows].T
            return scores
        scores = queries[:, : self.vectors.shape[1]] @ self.vectors[rows].T
        if self.metric == "cosine":
            assert self.norms is not None
            norms = self.norms[rows]
            np.divide(scores, norms, out=scores, where=norms > 0)
        if self.offsets is not None:
            scores += queries[:, -1:] * self.offsets[rows]
        return scores


def spread_rows(n: int, most: int) -> np.ndarray:
    """Rows evenly spaced among `n`, at most so many : np.ndarray [shape=(m,)], int64."""
    return np.linspace(0, max(0, n - 1), min(n, most)).astype(np.int64)


def search_product(
    queries: np.ndarray, *, vectors: SearchVectors, k: int, allowed: np.ndarray | None = None
) -> NeighbourRows:
    """Find the `k` rows of `vectors` with the largest inner product with each query.

    Parameters
    ----------
    queries : np.ndarray [shape=(n_queries, d)], float32
        See `scoring_queries`.
    vectors : SearchVectors
        Read once for every 1,024 queries.
    k : int
        At most the number of allowed rows.
    allowed : np.ndarray [shape=(n,)], bool, or None
        Rows that may be returned; None allows all.

    Returns
    -------
    NeighbourRows
        Equal scores are in the order of their rows.

    Raises
    ------
    NotFiniteError
        If a scored row is not finite.
    """
    blocks = [
        _search_some(queries[start : start + MAX_QUERIES], vectors, k, allowed)
        for start in range(0, len(queries), MAX_QUERIES)
    ]
    if not blocks:
        return NeighbourRows(np.empty((0, k), np.int64), np.empty((0, k), np.float32))
    return NeighbourRows(
        np.concatenate([f.rows for f in blocks]), np.concatenate([f.scores for f in blocks])
    )


def _search_some(
    queries: np.ndarray, vectors: SearchVectors, k: int, allowed: np.ndarray | None
) -> NeighbourRows:
    """Best of every block of rows, each merged with the best of the blocks before it."""
    best: list[tuple[np.ndarray, np.ndarray]] = [
        (np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries
    ]
    step = max(1, MAX_SCORES // len(queries))
    for start in range(0, len(vectors), step):
        here = slice(start, min(start + step, len(vectors)))
        products = vectors.products(queries, here)
        _check_finite(products, vectors, np.arange(here.start, here.stop))
        if allowed is not None:
            products[:, ~allowed[here]] = -np.inf
        for number, product in enumerate(products):
            rows, scores = best[number]
            chosen = top_k(product, k=min(k, len(product)))
            rows = np.concatenate([rows, chosen + start])
            scores = np.concatenate([scores, product[chosen]])
            first = np.lexsort((rows, -scores))[:k]
            best[number] = rows[first], scores[first]
    return NeighbourRows(
        np.stack([rows for rows, _ in best]), np.stack([scores for _, scores in best])
    )


def top_k(scores: np.ndarray, *, k: int) -> np.ndarray:
    """Positions of the `k` largest scores, best first, equal ones in order of position.

    Parameters
    ----------
    scores : np.ndarray [shape=(n,)]
    k : int
        From 0 to n.
    """
    if k == 0:
        return np.empty(0, dtype=np.int64)
    whole = len(scores) // GROUP * GROUP
    if whole // GROUP > 4 * k:
        # This many groups have a maximum of at least this, so the k largest scores are no less.
        bests = scores[:whole].reshape(-1, GROUP).max(axis=1)
        least = np.partition(bests, len(bests) - k)[len(bests) - k]
        candidates = np.flatnonzero(scores >= least)
        if len(candidates) < whole // 2:
            return candidates[top_k(scores[candidates], k=k)]
    last = -np.partition(-scores, k - 1)[k - 1]
    above = np.flatnonzero(scores > last)
    level = np.flatnonzero(scores == last)[: k - len(above)]
    chosen = np.concatenate([above, level])
    return chosen[np.lexsort((chosen, -scores[chosen]))]


def rescored(rows: np.ndarray, queries: np.ndarray, *, vectors: SearchVectors) -> NeighbourRows:
    """Score neighbours again in double precision, and sort them by that.

    Matrix products round differently with the shape of the query. Scored again, equal vectors have
    equal scores and are in the order of their rows, and one query has the same answer as in a
    batch.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_queries, k)], int64
        A row below 0 is missing, and comes last.
    queries : np.ndarray [shape=(n_queries, d)]
        See `scoring_queries`.
    vectors : SearchVectors

    Raises
    ------
    NotFiniteError
        If a neighbour is not finite.
    """
    order = np.empty_like(rows)
    scores = np.empty(rows.shape, dtype=np.float32)
    step = max(1, MAX_SCORES // max(1, 4 * rows.shape[1] * vectors.dim))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        # Each row is read once, in the order on disk.
        flat, places = np.unique(np.maximum(block, 0), return_inverse=True)
        held = vectors[flat].astype(np.float64)
        block_queries = queries[start : start + step, np.newaxis]
        exact = (held[places.reshape(block.shape)] * block_queries).sum(axis=2).astype(np.float32)
        _check_finite(exact, vectors, flat)
        exact[block < 0] = -np.inf
        best = np.lexsort((block, -exact))
        order[start : start + step] = np.take_along_axis(block, best, axis=1)
        scores[start : start + step] = np.take_along_axis(exact, best, axis=1)
    return NeighbourRows(order, scores)


def _check_finite(scores: np.ndarray, vectors: SearchVectors, rows: np.ndarray) -> None:
    """Raise `NotFiniteError` if scores are not finite because one of these rows is not."""
    if np.isfinite(scores).all():
        return
    for start in range(0, len(rows), BLOCK):
        here = rows[start : start + BLOCK]
        fine = np.isfinite(vectors.vectors[here]).all(axis=1)
        if not fine.all():
            raise NotFiniteError(int(here[np.argmin(fine)]))


def row_norms(vectors: np.ndarray) -> np.ndarray:
    """Norm of every vector, read block by block : np.ndarray [shape=(n,)], float32."""
    norms = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK):
        norms[start : start + BLOCK] = np.linalg.norm(vectors[start : start + BLOCK], axis=1)
    return norms


def scaled_vectors(
    vectors: np.ndarray, metric: Metric, offsets: np.ndarray | None = None
) -> np.ndarray:
    """Scale vectors such that the inner product with `scoring_queries` is the score.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
    metric : {"cosine", "inner_product"}
    offsets : np.ndarray [shape=(n,)], float32, or None
        Added to each vector's score for a query of unit norm: one more dimension.
    """
    scored = unit_norm(vectors) if metric == "cosine" else vectors
    return scored if offsets is None else np.column_stack([scored, offsets])


def scoring_queries(
    queries: np.ndarray, metric: Metric, *, offsets: np.ndarray | None = None
) -> np.ndarray:
    """Scale queries to match `scaled_vectors`, with or without offsets.

    Parameters
    ----------
    queries : np.ndarray [shape=(n_queries, d)], float32
    metric, offsets
        See `scaled_vectors`.
    """
    scaled = unit_norm(queries) if metric == "cosine" else queries
    if offsets is None:
        return scaled
    return np.column_stack([scaled, np.linalg.norm(scaled, axis=1)]).astype(np.float32)


def checked_metric(metric: str) -> Metric:
    """The metric of a name; `ParameterError` if there is none."""
    if metric not in ("cosine", "inner_product"):
        raise ParameterError(f"metric={metric!r} must be 'cosine' or 'inner_product'")
    return cast("Metric", metric)
