"""Ridge regression to several targets, with a penalty chosen by cross-validation over groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.data import group_kfold
from audiorec.exceptions import ParameterError

PENALTIES = tuple(float(penalty) for penalty in np.logspace(-1, 6, 15))


class Ridge(NamedTuple):
    """A fitted ridge regression.

    Attributes
    ----------
    weights : np.ndarray [shape=(n_features, n_targets)], float64
        For features that are not standardised.
    intercept : np.ndarray [shape=(n_targets,)], float64
    penalty : float
        Weight of the squared norm of the weights of standardised features.
    """

    weights: np.ndarray
    intercept: np.ndarray
    penalty: float

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict targets of new rows : np.ndarray [shape=(n, n_targets)], float32."""
        return (features @ self.weights + self.intercept).astype(np.float32)


def fit_ridge(
    features: np.ndarray,
    targets: np.ndarray,
    *,
    groups: Sequence[str],
    seed: int,
    penalties: Sequence[float] = PENALTIES,
    weights: np.ndarray | None = None,
) -> Ridge:
    """Fit a ridge regression to standardised features, with an unpenalised intercept.

    Parameters
    ----------
    features : np.ndarray [shape=(n, n_features)]
    targets : np.ndarray [shape=(n, n_targets)]
    groups : sequence of str
        Group of each row. The penalty with the least squared error over held-out groups is
        chosen; with a single group nothing can be held out, and the middle penalty is used.
    seed : int
        Shuffles the groups into folds.
    penalties : sequence of float
    weights : np.ndarray [shape=(n,)], or None
        Weight of each row, above 0; None gives all the same weight.

    Examples
    --------
    >>> x = np.arange(12.0)[:, None]
    >>> ridge = fit_ridge(x, 2 * x + 1, groups=list("aaabbbcccddd"), seed=0, penalties=[1e-6])
    >>> ridge.predict(np.array([[20.0]])).round(3)
    array([[41.]], dtype=float32)
    """
    if len(features) != len(targets) or len(features) != len(groups) or not len(features):
        raise ParameterError(
            f"{len(features)} rows of features, {len(targets)} of targets and {len(groups)} "
            "groups must be as many, and not 0"
        )
    from threadpoolctl import threadpool_limits  # here: only for a fit

    x = features.astype(np.float64)
    centre, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 1e-9 * np.maximum(np.abs(centre), 1), deviation, 1.0)
    x = (x - centre) / scale
    y = targets.astype(np.float64)
    counts = np.ones(len(x)) if weights is None else weights / weights.mean()
    # One BLAS thread: with matrices this small more of them only wait for each other, and their
    # number would show in the last bits of the result.
    with threadpool_limits(limits=1, user_api="blas"):
        folds = group_kfold(groups, seed=seed)
        penalty = _choose(x, y, counts, folds=folds, penalties=penalties)
        standard, intercept = solve_ridge(x, y, counts, [penalty])[0]
    slopes = standard / scale[:, None]
    return Ridge(slopes, intercept - centre @ slopes, penalty)


def _choose(
    x: np.ndarray,
    y: np.ndarray,
    counts: np.ndarray,
    *,
    folds: np.ndarray,
    penalties: Sequence[float],
) -> float:
    if len(penalties) == 1:
        return float(penalties[0])
    errors = np.zeros(len(penalties))
    for fold in range(folds.max() + 1):
        test = folds == fold
        if test.all():
            return penalties[len(penalties) // 2]
        solved = solve_ridge(x[~test], y[~test], counts[~test], penalties)
        for i, (weights, intercept) in enumerate(solved):
            off = np.square(x[test] @ weights + intercept - y[test]).sum(axis=1)
            errors[i] += counts[test] @ off
    return float(penalties[int(errors.argmin())])


def solve_ridge(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, penalties: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Solve for weights and intercept for each penalty, by one eigendecomposition.

    Parameters
    ----------
    x : np.ndarray [shape=(n, n_features)], float64
    y : np.ndarray [shape=(n, n_targets)], float64
    counts : np.ndarray [shape=(n,)]
        Weight of each row.
    penalties : sequence of float
        Above 0.

    Returns
    -------
    solutions : list of (np.ndarray, np.ndarray)
        Weights [shape=(n_features, n_targets)] and intercept [shape=(n_targets,)].
    """
    x_mean, y_mean = np.average(x, axis=0, weights=counts), np.average(y, axis=0, weights=counts)
    root = np.sqrt(counts)[:, None]
    centred, wanted = root * (x - x_mean), root * (y - y_mean)
    if len(x) < x.shape[1]:  # of rows, if they are fewer than features
        values, rows = np.linalg.eigh(centred @ centred.T)
        vectors, projected = centred.T @ rows, rows.T @ wanted
    else:
        values, vectors = np.linalg.eigh(centred.T @ centred)
        projected = vectors.T @ (centred.T @ wanted)
    solutions = []
    for penalty in penalties:
        weights = vectors @ (projected / (np.clip(values, 0, None) + penalty)[:, None])
        solutions.append((weights, y_mean - x_mean @ weights))
    return solutions
