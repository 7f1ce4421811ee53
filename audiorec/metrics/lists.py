"""Intra-list metrics: diversity of the tracks of a list, and repeated artists.

Conventions
-----------
Every metric takes recommended lists: for each query the columns of k candidates, best first, and -1
where there were fewer; see `validate` of `audiorec.metrics.exposure`. It is the mean over the
lists of at least two candidates, and for each list the mean over its pairs; NaN if there is no such
list.
"""

from __future__ import annotations

import numpy as np

from audiorec.metrics.exposure import validate


def same_label(recommended: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the pairs of a list that have the same label, such as the artist.

    Parameters
    ----------
    recommended : np.ndarray [shape=(n_asked, k)], int
        See `validate`.
    labels : np.ndarray [shape=(n_candidates,)]
    """
    validate(recommended, len(labels))
    chosen = labels[recommended]
    return _mean_of_pairs(recommended, chosen[:, :, np.newaxis] == chosen[:, np.newaxis, :])


def diversity(recommended: np.ndarray, features: np.ndarray) -> float:
    """Intra-list diversity: mean of 1 - cosine over the pairs of a list.

    Parameters
    ----------
    recommended : np.ndarray [shape=(n_asked, k)], int
        See `validate`.
    features : np.ndarray [shape=(n_candidates, d)]
        Define the similarity; the same for all compared systems.

    Notes
    -----
    Ziegler, McNee, Konstan & Lausen 2005, "Improving recommendation lists through topic
    diversification", equation 1, with distance for similarity and the mean for the sum.
    """
    validate(recommended, len(features))
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(lengths > 0, lengths, 1)
    return _mean_of_pairs(
        recommended, 1 - (unit @ unit.T)[recommended[:, :, None], recommended[:, None, :]]
    )


def _mean_of_pairs(recommended: np.ndarray, values: np.ndarray) -> float:
    there = recommended >= 0
    pairs = there[:, :, np.newaxis] & there[:, np.newaxis, :]
    pairs &= ~np.eye(recommended.shape[1], dtype=bool)
    n_pairs = pairs.sum(axis=(1, 2))
    totals = np.where(pairs, values, 0.0).sum(axis=(1, 2))
    some = n_pairs > 0
    return float(np.mean(totals[some] / n_pairs[some])) if some.any() else float("nan")
