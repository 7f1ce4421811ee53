"""Coverage, evenness and hubs of recommendations.

Conventions
-----------
Every metric takes recommended lists: for each query (a listener, or a track with its neighbours)
the columns of k candidates, best first, and -1 where there were fewer. The number of lists with a
candidate is its k-occurrence (Radovanovic, Nanopoulos & Ivanovic 2010, "Hubs in space", section 2).
Each metric is one number for all queries.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audiorec.exceptions import ParameterError


def validate(recommended: np.ndarray, n_candidates: int) -> None:
    """Check the input of every metric.

    Parameters
    ----------
    recommended : np.ndarray [shape=(n_asked, k)], int
        Columns of candidates; -1 for none. No column twice in a row.
    n_candidates : int

    Raises
    ------
    ParameterError
        If it is not a matrix of columns, or there are no candidates.
    """
    if recommended.ndim != 2 or not np.issubdtype(recommended.dtype, np.integer):
        raise ParameterError(
            f"recommended of shape {recommended.shape} and type {recommended.dtype} "
            "must be asked x k columns"
        )
    if n_candidates < 1:
        raise ParameterError(f"n_candidates={n_candidates} must be at least 1")
    if recommended.size and not -1 <= recommended.min() <= recommended.max() < n_candidates:
        raise ParameterError(f"recommended holds columns outside of 0 to {n_candidates - 1}")


def k_occurrence(recommended: np.ndarray, n_candidates: int) -> np.ndarray:
    """Count the lists in which each candidate was recommended.

    Parameters
    ----------
    recommended, n_candidates
        See `validate`.

    Returns
    -------
    occurrence : np.ndarray [shape=(n_candidates,)], int64
    """
    validate(recommended, n_candidates)
    return np.bincount(recommended[recommended >= 0], minlength=n_candidates)


def coverage(recommended: np.ndarray, n_candidates: int) -> float:
    """Fraction of the candidates recommended to anybody; parameters as of `validate`."""
    return _coverage(k_occurrence(recommended, n_candidates))


def gini(recommended: np.ndarray, n_candidates: int) -> float:
    """Gini coefficient of the k-occurrence: 0 if all are equal, 1 - 1/n if only one is nonzero.

    Parameters as of `validate`; NaN if nothing was recommended.
    """
    return _gini(k_occurrence(recommended, n_candidates))


def skew(recommended: np.ndarray, n_candidates: int) -> float:
    """Third standardised moment of the k-occurrence: above 1, there are hubs.

    Parameters as of `validate`; 0 if all are recommended equally often.
    """
    return _skew(k_occurrence(recommended, n_candidates))


def self_information(recommended: np.ndarray, listeners: np.ndarray, *, n_listeners: int) -> float:
    """Mean of -log2 of the fraction of listeners who played a recommended candidate, bits.

    Parameters
    ----------
    recommended : np.ndarray [shape=(n_asked, k)], int
        See `validate`.
    listeners : np.ndarray [shape=(n_candidates,)]
        Number of listeners of each candidate; none counts as half a listener.
    n_listeners : int
        Total number of listeners.

    Returns
    -------
    bits : float
        Higher for less known candidates (Zhou et al. 2010, "Solving the apparent
        diversity-accuracy dilemma", surprisal); NaN if nothing was recommended.
    """
    counts = k_occurrence(recommended, len(listeners))
    if n_listeners < 1:
        raise ParameterError(f"n_listeners={n_listeners} must be at least 1")
    if not counts.any():
        return float("nan")
    bits = -np.log2(np.maximum(listeners, 0.5) / n_listeners)
    return float(counts @ bits / counts.sum())


def evaluate(recommended: np.ndarray, n_candidates: int) -> dict[str, float]:
    """Compute every metric of `METRICS`; parameters as of `validate`."""
    counts = k_occurrence(recommended, n_candidates)
    return {name: metric(counts) for name, metric in METRICS.items()}


def _coverage(counts: np.ndarray) -> float:
    return float(np.count_nonzero(counts) / len(counts))


def _gini(counts: np.ndarray) -> float:
    total = counts.sum()
    if not total:
        return float("nan")
    n = len(counts)
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(ranks @ np.sort(counts) / (n * total))


def _skew(counts: np.ndarray) -> float:
    deviation = counts - counts.mean()
    spread = np.sqrt(np.mean(deviation**2))
    return float(np.mean(deviation**3) / spread**3) if spread > 0 else 0.0


METRICS: dict[str, Callable[[np.ndarray], float]] = {
    "coverage": _coverage,
    "Gini": _gini,
    "skew": _skew,
}
