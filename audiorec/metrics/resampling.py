"""Bootstrap intervals of means over listeners and candidates.

Conventions
-----------
Listeners are drawn with replacement, as many as there are (Efron & Tibshirani 1993, chapter 13:
percentile intervals). All columns of a table are resampled with the same draws, so that the
difference or the quotient of two columns has an interval of its own, paired by listener.

`two_way` resamples hold-outs that share listeners and candidates, folds and seeds of one
catalogue: both are drawn, each once for all hold-outs. The effect of drawing other artists on a
mean is approximated to first order from leaving each out (the infinitesimal jackknife; Efron &
Tibshirani 1993, chapter 20), since a ranking has no weights to draw. Like Owen's pigeonhole
bootstrap ("The pigeonhole bootstrap", Annals of Applied Statistics 2007) it counts the variance of
single pairs of listener and artist twice, so that intervals are too wide rather than too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from audiorec.exceptions import ParameterError

BLOCK_CELLS = 4_000_000
N_RESAMPLES = 1000  # for an interval of 95 %


class Interval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


class HoldoutValues(NamedTuple):
    """Values of one hold-out, with their listeners and groups of candidates.

    Attributes
    ----------
    values : np.ndarray [shape=(n_users, n_columns)], float64
        NaN where a listener has no value.
    users : sequence of str [length=n_users]
    effects : np.ndarray [shape=(n_groups, n_columns)], float64
        See `group_effects`.
    groups : sequence of str [length=n_groups]
        Of candidates, such as the artists.
    """

    values: np.ndarray
    users: Sequence[str]
    effects: np.ndarray
    groups: Sequence[str]


def validate(values: np.ndarray, n_resamples: int) -> None:
    """Check the input of `resampled_means`."""
    if values.ndim != 2 or not len(values):
        raise ParameterError(f"values of shape {values.shape} must be listeners x columns, not 0")
    if n_resamples < 1:
        raise ParameterError(f"n_resamples={n_resamples} must be a positive integer")


def resampled_means(values: np.ndarray, *, n_resamples: int = N_RESAMPLES, seed: int) -> np.ndarray:
    """Mean of each column over listeners drawn with replacement, many times.

    Parameters
    ----------
    values : np.ndarray [shape=(n_users, n_columns)]
        NaN where a listener has no value; they are drawn all the same and ignored.
    n_resamples : int
    seed : int

    Returns
    -------
    means : np.ndarray [shape=(n_resamples, n_columns)], float64
        NaN if nobody in a draw has a value.
    """
    validate(values, n_resamples)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    complete = bool(known.all())
    rng = np.random.default_rng(seed)
    n_users = len(values)
    step = max(1, BLOCK_CELLS // n_users)
    means = np.empty((n_resamples, values.shape[1]))
    for start in range(0, n_resamples, step):
        rows = slice(start, min(start + step, n_resamples))
        weights = _draw(rng, rows.stop - rows.start, n_users)
        drawn = n_users if complete else weights @ known
        with np.errstate(invalid="ignore"):
            means[rows] = (weights @ filled) / drawn
    return means


def group_effects(
    evaluate: Callable[[np.ndarray], np.ndarray], groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the contribution of each group of candidates to a mean over listeners.

    Parameters
    ----------
    evaluate : callable
        From candidates to leave out, bool [shape=(n_candidates,)], to values of each listener,
        [shape=(n_columns, n_users)], NaN where there is none.
    groups : np.ndarray [shape=(n_candidates,)]
        Label of each candidate.

    Returns
    -------
    names : np.ndarray [shape=(n_groups,)]
    effects : np.ndarray [shape=(n_groups, n_columns)], float64
        Change of the mean per additional draw of the group, less its mean; 0 if there is only one
        group, or if without the group nobody has a value.
    """
    names = np.unique(groups)
    if len(names) < 2:
        columns = len(evaluate(np.zeros(len(groups), dtype=bool)))
        return names, np.zeros((len(names), columns))
    left = np.stack([mean_of_known(evaluate(groups == name)) for name in names])
    known = ~np.isnan(left)
    centre = mean_of_known(left.T)
    return names, np.where(known, (centre - left) * (len(names) - 1) / len(names), 0.0)


def two_way(
    cells: Sequence[HoldoutValues], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Mean over listeners, then over hold-outs, of drawn listeners and drawn groups of candidates.

    Parameters
    ----------
    cells : sequence of HoldoutValues
        With the same columns. A listener, or a group, that is in several is drawn equally often in
        all of them.
    n_resamples, seed : int

    Returns
    -------
    means : np.ndarray [shape=(n_resamples, n_columns)], float64
    """
    for cell in cells:
        validate(cell.values, n_resamples)
    by_user = _Draws([cell.users for cell in cells], n_resamples=n_resamples, seed=[seed, 0])
    by_group = _Draws([cell.groups for cell in cells], n_resamples=n_resamples, seed=[seed, 1])
    total = np.zeros((n_resamples, cells[0].values.shape[1]))
    for number, cell in enumerate(cells):
        known = ~np.isnan(cell.values)
        weights = by_user.counts(number)
        drawn = weights @ known.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            total += (weights @ np.where(known, cell.values, 0.0)) / drawn
        total += (by_group.counts(number) - 1.0) @ cell.effects
    return total / len(cells)


class _Draws:
    """Draw counts of the members of several sets, equal for a member of many sets."""

    def __init__(self, members: Sequence[Sequence[str]], *, n_resamples: int, seed: list[int]):
        everyone = np.unique(np.concatenate([np.asarray(m, dtype=np.str_) for m in members]))
        self._rows = [np.searchsorted(everyone, np.asarray(m, dtype=np.str_)) for m in members]
        drawn = _draw(np.random.default_rng(seed), n_resamples, len(everyone))
        self._counts = drawn.astype(np.float32)

    def counts(self, number: int) -> np.ndarray:
        """Counts of the members of a set : np.ndarray [shape=(n_resamples, n_members)], float64."""
        return self._counts[:, self._rows[number]].astype(np.float64)


def simultaneous(
    samples: np.ndarray, estimates: np.ndarray, *, level: float = 0.95
) -> list[Interval]:
    """Simultaneous confidence intervals of several quantities (max-t).

    For the best of many options: the interval of one option chosen beforehand is too narrow for the
    one that came out best (Westfall & Young 1993, "Resampling-based multiple
    testing", chapter 2). For one quantity this is its normal interval.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_resamples, n)]
        Resampled together.
    estimates : np.ndarray [shape=(n,)]
    level : float
    """
    if not 0 < level < 1:
        raise ParameterError(f"level={level} must lie between 0 and 1")
    ends = np.full((len(estimates), 2), np.nan)
    known = ~np.isnan(samples).all(axis=0)
    if known.any():
        drawn = samples[:, known]
        error = np.nanstd(drawn, axis=0)
        away = np.abs(drawn - np.nanmean(drawn, axis=0)) / np.where(error > 0, error, 1.0)
        widest = np.nanquantile(np.fmax.reduce(away, axis=1), level)
        middle = np.asarray(estimates)[known]
        ends[known] = np.stack([middle - widest * error, middle + widest * error], axis=1)
    return [Interval(*pair) for pair in ends.tolist()]


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; NaN if all are."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def interval(samples: np.ndarray, *, level: float = 0.95) -> Interval:
    """Percentile interval of a resampled quantity.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_resamples,)]
        NaN is ignored.
    level : float
        Fraction of the samples inside.
    """
    if not 0 < level < 1:
        raise ParameterError(f"level={level} must lie between 0 and 1")
    tail = 100 * (1 - level) / 2
    if np.isnan(samples).all():
        return Interval(float("nan"), float("nan"))
    low, high = np.nanpercentile(samples, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _draw(rng: np.random.Generator, n_resamples: int, n_users: int) -> np.ndarray:
    """Draw counts of each listener : np.ndarray [shape=(n_resamples, n_users)], float64."""
    chosen = rng.integers(n_users, size=(n_resamples, n_users))
    chosen += np.arange(n_resamples)[:, None] * n_users
    counts = np.bincount(chosen.ravel(), minlength=n_resamples * n_users)
    return counts.reshape(n_resamples, n_users).astype(np.float64)
