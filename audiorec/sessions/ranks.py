"""How far down the next item stands, all items ranked and ties counted against it."""

from __future__ import annotations

import numpy as np


def rank_of(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rank of each row's target among all columns.

    Parameters
    ----------
    scores : np.ndarray [shape=(n, n_items)]
    targets : np.ndarray [shape=(n,)], int

    Returns
    -------
    ranks : np.ndarray [shape=(n,)], int64
        From 1: one more than the other items that score as high or higher. A score that is not a
        number ranks last.
    """
    own = scores[np.arange(len(targets)), targets]
    at_least = (scores >= own[:, None]).sum(axis=1)
    return np.where(np.isnan(own), scores.shape[1], at_least)
