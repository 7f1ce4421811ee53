"""Metrics of next-item prediction: ranks at every position, HR@20 and MRR@20."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from audiorec.data import Sessions
from audiorec.sessions.base import SessionModel

CUTOFF = 20


class NextItemRanks(NamedTuple):
    """Ranks of the next items at every position of the test sessions.

    Attributes
    ----------
    ranks : np.ndarray [shape=(n,)], int64
        From 1, among all items, ties counted against the model.
    known_ranks : np.ndarray [shape=(n,)], int64
        The same among the items that are not new, if the target is not new.
    targets : np.ndarray [shape=(n,)], int32
    sessions : np.ndarray [shape=(n,)], int64
        Row of each position's session.
    recommended : np.ndarray [shape=(n_items,)], int64
        Number of times each item was among the first `CUTOFF`.
    seconds : float
        Time of all answers.
    """

    ranks: np.ndarray
    known_ranks: np.ndarray
    targets: np.ndarray
    sessions: np.ndarray
    recommended: np.ndarray
    seconds: float


class Scores(NamedTuple):
    """MRR@20 and HR@20; scores are ordered by MRR@20."""

    mrr: float
    hr: float

    @classmethod
    def of(cls, ranks: np.ndarray) -> Scores:
        """Compute both from ranks : np.ndarray [shape=(n,)], int."""
        return cls(mean_reciprocal_rank(ranks), hit_rate(ranks))


def rank_next_items(
    model: SessionModel, test: Sessions, *, new: np.ndarray | None = None
) -> NextItemRanks:
    """Rank the next item after each event of each session by a model's scores.

    Skipped events are input, but are never targets.

    Parameters
    ----------
    model : SessionModel
    test : Sessions
    new : np.ndarray [shape=(n_items,)], bool, optional
        Items that the model was not trained on; by default none.
    """
    new = np.zeros(test.n_items, dtype=bool) if new is None else new
    recommended = np.zeros(test.n_items, dtype=np.int64)
    ranks, known_ranks, targets, rows, seconds = [], [], [], [], 0.0
    for row in range(len(test)):
        events = slice(test.offsets[row], test.offsets[row + 1])
        items, skipped = test.items[events], test.skipped[events]
        start = time.perf_counter()
        scores = model.prefix_scores(items[:-1], skipped=skipped[:-1])
        seconds += time.perf_counter() - start
        scored = ~skipped[1:]
        scores, following = scores[scored], items[1:][scored]
        ranks.append(rank_of(scores, following))
        without = np.where(new, -np.inf, scores) if new.any() else scores
        known_ranks.append(np.where(new[following], ranks[-1], rank_of(without, following)))
        targets.append(following)
        rows.append(np.full(len(following), row))
        k = min(CUTOFF, scores.shape[1])
        first = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        np.add.at(recommended, first.ravel(), 1)
    empty = [np.zeros(0, dtype=np.int64)]
    return NextItemRanks(
        ranks=np.concatenate(ranks or empty),
        known_ranks=np.concatenate(known_ranks or empty),
        targets=np.concatenate(targets or empty),
        sessions=np.concatenate(rows or empty),
        recommended=recommended,
        seconds=seconds,
    )


def rank_of(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rank of each row's target among all columns.

    Parameters
    ----------
    scores : np.ndarray [shape=(n, n_items)]
    targets : np.ndarray [shape=(n,)], int

    Returns
    -------
    ranks : np.ndarray [shape=(n,)], int64
        From 1: one more than the number of other items with an equal or higher score. A score
        that is not a number ranks last.
    """
    own = scores[np.arange(len(targets)), targets]
    at_least = (scores >= own[:, None]).sum(axis=1)
    return np.where(np.isnan(own), scores.shape[1], at_least)


def hit_rate(ranks: np.ndarray, *, k: int = CUTOFF) -> float:
    """Fraction of positions whose next item is among the first k; NaN of none."""
    return float((ranks <= k).mean()) if len(ranks) else float("nan")


def mean_reciprocal_rank(ranks: np.ndarray, *, k: int = CUTOFF) -> float:
    """Mean of 1 / rank, 0 beyond the first k; NaN of none.

    Examples
    --------
    >>> round(mean_reciprocal_rank(np.array([1, 4, 100]), k=20), 3)
    0.417
    """
    return float(np.where(ranks <= k, 1 / ranks, 0.0).mean()) if len(ranks) else float("nan")
