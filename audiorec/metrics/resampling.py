"""How sure one may be of a mean over listeners: the bootstrap.

Conventions
-----------
Listeners are drawn with replacement, as many as there are (Efron & Tibshirani 1993, chapter 13:
percentile intervals). All columns of a table are resampled with the same draws, so that the
difference or the quotient of two columns has an interval of its own, paired by listener.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.exceptions import ParameterError

BLOCK_CELLS = 4_000_000


class Interval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


class Pooled(NamedTuple):
    """Means over several hold-outs.

    Attributes
    ----------
    means : np.ndarray [shape=shape], float64
    samples : np.ndarray [shape=(n_resamples, *shape)], float64
        The same, of listeners drawn with replacement within each hold-out.
    """

    means: np.ndarray
    samples: np.ndarray


def validate(values: np.ndarray, n_resamples: int) -> None:
    """Check what `resampled_means` takes."""
    if values.ndim != 2 or not len(values):
        raise ParameterError(f"values of shape {values.shape} must be listeners x columns, not 0")
    if n_resamples < 1:
        raise ParameterError(f"n_resamples={n_resamples} must be a positive integer")


def resampled_means(values: np.ndarray, *, n_resamples: int, seed: int) -> np.ndarray:
    """Mean of each column over listeners drawn with replacement, many times.

    Parameters
    ----------
    values : np.ndarray [shape=(n_users, n_columns)]
        NaN where a listener has no value; they are drawn all the same and passed over.
    n_resamples : int
    seed : int

    Returns
    -------
    means : np.ndarray [shape=(n_resamples, n_columns)], float64
        NaN where a draw holds nobody with a value.
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


def pooled(cells: Sequence[np.ndarray], *, n_resamples: int) -> Pooled:
    """Means over listeners, then over hold-outs that stand side by side, and their resamples.

    Parameters
    ----------
    cells : sequence of np.ndarray [shape=(*shape, n_users)]
        Values of each hold-out's own listeners; NaN as in `resampled_means`.
    n_resamples : int
    """
    means = np.mean([np.nanmean(cell, axis=-1) for cell in cells], axis=0)
    samples = np.mean(
        [
            resampled_means(
                cell.reshape(-1, cell.shape[-1]).T, n_resamples=n_resamples, seed=number
            ).reshape(n_resamples, *cell.shape[:-1])
            for number, cell in enumerate(cells)
        ],
        axis=0,
    )
    return Pooled(means, samples)


def interval(samples: np.ndarray, *, level: float = 0.95) -> Interval:
    """Percentile interval of a resampled quantity.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_resamples,)]
        NaN is passed over.
    level : float
        Share of the samples inside.
    """
    if not 0 < level < 1:
        raise ParameterError(f"level={level} must lie between 0 and 1")
    tail = 100 * (1 - level) / 2
    if np.isnan(samples).all():
        return Interval(float("nan"), float("nan"))
    low, high = np.nanpercentile(samples, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _draw(rng: np.random.Generator, n_resamples: int, n_users: int) -> np.ndarray:
    """How often each listener is drawn : np.ndarray [shape=(n_resamples, n_users)], float64."""
    chosen = rng.integers(n_users, size=(n_resamples, n_users))
    chosen += np.arange(n_resamples)[:, None] * n_users
    counts = np.bincount(chosen.ravel(), minlength=n_resamples * n_users)
    return counts.reshape(n_resamples, n_users).astype(np.float64)
