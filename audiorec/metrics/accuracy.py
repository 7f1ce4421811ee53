"""Accuracy of full rankings: AUC, average precision, nDCG and recall.

Conventions ----------- `rank` takes a score for each listener and candidate, and a mask of the
relevant ones. It ranks all of a listener's candidates, none sampled, and gives the positions of the
relevant ones. A metric is a function of these positions that returns one value per listener; to add
one, write that function and its line in `METRICS`.

A listener without relevant candidates has no value: NaN, which `numpy.nanmean` ignores. So has the
AUC of a listener to whom every candidate is relevant.

Candidates with equal scores have no order, and a metric that used their order in storage would
reward or punish by accident. Each metric here is its own exact expected value over all orders of
the tied (McSherry & Najork 2008, "Computing information retrieval performance measures efficiently
in the presence of tied scores", sections 2 and 3). So constant scores give the exact value of
chance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from audiorec.exceptions import ParameterError

BLOCK_CELLS = 4_000_000


class RankedPositions(NamedTuple):
    """Position of each relevant candidate in its listener's ranking.

    Attributes
    ----------
    user : np.ndarray [shape=(n,)], int64
        Row of the listener.
    first, last : np.ndarray [shape=(n,)], int64
        The positions, from 0, that the candidate and those tied with it take: first <= p < last.
    above, tied : np.ndarray [shape=(n,)], int64
        Relevant candidates of the listener that rank above it, and that are tied with it, itself
        included.
    n_relevant, n_candidates : np.ndarray [shape=(n_users,)], int64
    """

    user: np.ndarray
    first: np.ndarray
    last: np.ndarray
    above: np.ndarray
    tied: np.ndarray
    n_relevant: np.ndarray
    n_candidates: np.ndarray


def validate(scores: np.ndarray, relevant: np.ndarray, exclude: np.ndarray | None) -> None:
    """Check the input of `rank`.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_users, n_candidates)]
        Higher is better; finite.
    relevant : np.ndarray [shape=(n_users, n_candidates)], bool
    exclude : np.ndarray [shape=(n_users, n_candidates)], bool, or None
        Candidates left out of the listener's ranking, relevant or not.

    Raises
    ------
    ParameterError
        If the shapes disagree, a mask is not boolean or a score is not finite.
    """
    if scores.ndim != 2:
        raise ParameterError(f"scores of shape {scores.shape} must be listeners x candidates")
    for name, mask in (("relevant", relevant), ("exclude", exclude)):
        if mask is not None and mask.shape != scores.shape:
            raise ParameterError(
                f"{name} of shape {mask.shape} must have the shape of scores, {scores.shape}"
            )
        if mask is not None and mask.dtype != np.bool_:
            raise ParameterError(f"{name} of type {mask.dtype} must be boolean")
    if not np.isfinite(scores).all():
        raise ParameterError("scores hold NaN or infinity; every candidate needs a finite score")


def rank(
    scores: np.ndarray, relevant: np.ndarray, *, exclude: np.ndarray | None = None
) -> RankedPositions:
    """Find the positions of the relevant candidates; parameters as of `validate`."""
    validate(scores, relevant, exclude)
    n_users, n_columns = scores.shape
    if exclude is not None:
        relevant = relevant & ~exclude
    user, column = np.nonzero(relevant)
    value = scores[user, column]
    first = np.empty(len(user), dtype=np.int64)
    last = np.empty(len(user), dtype=np.int64)
    step = max(1, BLOCK_CELLS // max(1, n_columns))
    for start in range(0, n_users, step):
        block = scores[start : start + step]
        if exclude is not None:  # those left out sink below every finite score
            block = np.where(exclude[start : start + step], -np.inf, block)
        here = slice(*np.searchsorted(user, [start, start + step]))
        ascending = np.sort(block, axis=1)
        rows = user[here] - start
        first[here] = n_columns - _count_below(ascending, rows, value[here], side="right")
        last[here] = n_columns - _count_below(ascending, rows, value[here], side="left")
    above, tied = _relevant_above(user, first, n_users)
    left_out = 0 if exclude is None else exclude.sum(axis=1)
    return RankedPositions(
        user, first, last, above, tied,
        n_relevant=np.bincount(user, minlength=n_users),
        n_candidates=np.full(n_users, n_columns, dtype=np.int64) - left_out,
    )  # fmt: skip


def auc(positions: RankedPositions) -> np.ndarray:
    """Probability that a relevant candidate ranks above one that is not; a tie counts half.

    Parameters
    ----------
    positions : RankedPositions
        See `rank`.

    Returns
    -------
    auc : np.ndarray [shape=(n_users,)], float64
        Mann and Whitney's U over the number of pairs.
    """
    relevant = positions.n_relevant
    others = positions.n_candidates - relevant
    # 0-based positions of the relevant, summed; their least sum is 0 + 1 + ... + (r - 1)
    total = _per_user(positions, (positions.first + positions.last - 1) / 2)
    excess = total - relevant * (relevant - 1) / 2
    return 1 - _divide(excess, relevant * others)


def average_precision(positions: RankedPositions, *, k: int = 500) -> np.ndarray:
    """Mean over the relevant candidates of the precision at their position, to position `k`.

    Parameters
    ----------
    positions : RankedPositions
        See `rank`.
    k : int
        Positions that count. The sum is over min(`k`, number of relevant candidates), as in the
        Million Song Dataset Challenge (McFee et al. 2012, section 4, equations 3 and 4).

    Returns
    -------
    average_precision : np.ndarray [shape=(n_users,)], float64

    Notes
    -----
    McSherry & Najork's expected precision at each position of a tie is summed in closed form. In a
    tie of t candidates, r of them relevant, below R relevant ones, the candidate at position j
    (from 1), the i-th of the tie (from 0), adds r/t * (R + 1 + i * (r - 1)/(t - 1)) / j. Here each
    of the r adds its r-th part, and i / j is written as 1 - (first + 1) / j.
    """
    _check_positive(k)
    size = positions.last - positions.first
    end = np.clip(positions.last, None, k)
    counted = np.clip(end - positions.first, 0, None)
    longest = int(positions.last.max(initial=0))
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, longest + 1))])
    inverse = np.where(counted > 0, harmonic[np.maximum(end, positions.first)], 0.0)
    inverse -= np.where(counted > 0, harmonic[positions.first], 0.0)
    growth = (positions.tied - 1) / np.maximum(size - 1, 1)
    gain = (positions.above + 1) * inverse + growth * (counted - (positions.first + 1) * inverse)
    return _divide(_per_user(positions, gain / size), np.minimum(positions.n_relevant, k))


def ndcg(positions: RankedPositions, *, k: int) -> np.ndarray:
    """Sum of 1 / log2(position + 1) over the relevant among the first `k`, over the best possible.

    Parameters
    ----------
    positions : RankedPositions
        See `rank`.
    k : int
        Positions that count (Järvelin & Kekäläinen 2002, with gains of 0 and 1).

    Returns
    -------
    ndcg : np.ndarray [shape=(n_users,)], float64

    Examples
    --------
    >>> scores = np.array([[0.9, 0.5, 0.1]])  # one listener, three candidates
    >>> relevant = np.array([[False, True, False]])
    >>> ndcg(rank(scores, relevant), k=3).round(3)
    array([0.631])
    """
    _check_positive(k)
    longest = max(int(positions.last.max(initial=0)), int(positions.n_relevant.max(initial=0)))
    discounts = 1 / np.log2(np.arange(2, longest + 2))
    discounts[k:] = 0
    summed = np.concatenate([[0.0], np.cumsum(discounts)])
    mean = (summed[positions.last] - summed[positions.first]) / (positions.last - positions.first)
    return _divide(_per_user(positions, mean), summed[positions.n_relevant])


def recall(positions: RankedPositions, *, k: int) -> np.ndarray:
    """Fraction of the relevant candidates that rank among the first `k`.

    Parameters
    ----------
    positions : RankedPositions
        See `rank`.
    k : int
        Positions that count. With more than `k` relevant candidates 1 cannot be reached.

    Returns
    -------
    recall : np.ndarray [shape=(n_users,)], float64
    """
    _check_positive(k)
    within = np.clip(k - positions.first, 0, positions.last - positions.first)
    share = within / (positions.last - positions.first)
    return _divide(_per_user(positions, share), positions.n_relevant)


METRICS: dict[str, Callable[[RankedPositions], np.ndarray]] = {
    "AUC": auc,
    "mAP@500": partial(average_precision, k=500),
    "nDCG@10": partial(ndcg, k=10),
    "nDCG@50": partial(ndcg, k=50),
    "nDCG@500": partial(ndcg, k=500),
    "recall@10": partial(recall, k=10),
    "recall@50": partial(recall, k=50),
    "recall@500": partial(recall, k=500),
}


def evaluate(
    scores: np.ndarray, relevant: np.ndarray, *, exclude: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Compute every metric of `METRICS` from one ranking.

    Parameters
    ----------
    scores, relevant, exclude
        See `validate`.

    Returns
    -------
    values : dict of str to np.ndarray [shape=(n_users,)], float64
        By the metric's name: "nDCG@50".
    """
    positions = rank(scores, relevant, exclude=exclude)
    return {name: metric(positions) for name, metric in METRICS.items()}


def _check_positive(k: int) -> None:
    if k < 1:
        raise ParameterError(f"k={k} must be a positive number of positions")


def _per_user(positions: RankedPositions, values: np.ndarray) -> np.ndarray:
    """Sum of the values of each listener's relevant candidates."""
    return np.bincount(positions.user, weights=values, minlength=len(positions.n_relevant))


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, NaN where the denominator is 0."""
    nothing = np.full(len(numerator), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator > 0)


def _count_below(
    ascending: np.ndarray, rows: np.ndarray, values: np.ndarray, *, side: str
) -> np.ndarray:
    """`numpy.searchsorted` with a row for each value: bisection of all values at once."""
    low = np.zeros(len(values), dtype=np.int64)
    high = np.full(len(values), ascending.shape[1], dtype=np.int64)
    while (open_ := low < high).any():
        middle = np.where(open_, (low + high) // 2, 0)
        below = ascending[rows, middle]
        goes_right = open_ & ((below <= values) if side == "right" else (below < values))
        low = np.where(goes_right, middle + 1, low)
        high = np.where(open_ & ~goes_right, middle, high)
    return low


def _relevant_above(
    user: np.ndarray, first: np.ndarray, n_users: int
) -> tuple[np.ndarray, np.ndarray]:
    """Number of relevant candidates above each relevant one, and number tied with it."""
    order = np.lexsort((first, user))
    user_sorted, first_sorted = user[order], first[order]
    position = np.arange(len(order))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (user_sorted[1:] != user_sorted[:-1]) | (first_sorted[1:] != first_sorted[:-1])
    group = np.cumsum(new) - 1
    start = position[new]
    size = np.diff(np.append(start, len(order)))
    user_start = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=n_users))])
    above = np.empty_like(first)
    tied = np.empty_like(first)
    above[order] = start[group] - user_start[user_sorted]
    tied[order] = size[group]
    return above, tied
