"""Folds of cross-validation that keep groups whole, and weights that make groups count alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

N_FOLDS = 5


def group_weights(groups: Sequence[str]) -> np.ndarray:
    """Weights with which every group counts alike, however many rows it has : [shape=(n,)]."""
    _, member, count = np.unique(
        np.asarray(groups, dtype=np.str_), return_inverse=True, return_counts=True
    )
    return np.asarray(1.0 / count[member])


def group_kfold(groups: Sequence[str], *, seed: int) -> np.ndarray:
    """Fold of each row : np.ndarray [shape=(n,)], int64; a group is in one fold."""
    names, member = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    fold_of_group = np.random.default_rng(seed).permutation(len(names)) % N_FOLDS
    return fold_of_group[member]
