"""Group k-fold for cross-validation, and weights that give all groups the same weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

N_FOLDS = 5


def group_weights(groups: Sequence[str]) -> np.ndarray:
    """Row weights that give every group the same weight : [shape=(n,)]."""
    _, member, count = np.unique(
        np.asarray(groups, dtype=np.str_), return_inverse=True, return_counts=True
    )
    return np.asarray(1.0 / count[member])


def group_kfold(groups: Sequence[str], *, seed: int) -> np.ndarray:
    """Fold of each row : np.ndarray [shape=(n,)], int64; a group is in one fold."""
    names, member = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    fold_of_group = np.random.default_rng(seed).permutation(len(names)) % N_FOLDS
    return fold_of_group[member]
