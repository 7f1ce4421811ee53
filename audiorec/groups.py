"""Rows that belong together, as tracks of one artist do: never parted, and counted alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

N_FOLDS = 5
# Standard errors that the best choice must gain: the best of so many gains one by chance.
SURE = 2.0

Choice = TypeVar("Choice", bound=Hashable)


def even_groups(groups: Sequence[str]) -> np.ndarray:
    """Weights with which every group counts alike, however many rows it has : [shape=(n,)]."""
    _, member, count = np.unique(
        np.asarray(groups, dtype=np.str_), return_inverse=True, return_counts=True
    )
    return np.asarray(1.0 / count[member])


def group_means(x: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean of the rows of each group : np.ndarray [shape=(n_groups, dim)]; 0 where it has none.

    Parameters
    ----------
    x : np.ndarray [shape=(n, dim)]
    group : np.ndarray [shape=(n,)], int
        Number of each row's group.
    """
    count = np.bincount(group)
    sums = np.zeros((len(count), x.shape[1]))
    np.add.at(sums, group, x)
    return np.asarray(sums / np.maximum(count, 1)[:, None])


def deal_groups(groups: Sequence[str], *, seed: int) -> np.ndarray:
    """Fold of each row : np.ndarray [shape=(n,)], int64; a group is in one fold."""
    names, member = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    fold_of_group = np.random.default_rng(seed).permutation(len(names)) % N_FOLDS
    return fold_of_group[member]


def surest(scores: Mapping[Choice, np.ndarray], *, groups: Sequence[str], unless: Choice) -> Choice:
    """The choice that scores best, if it gains more than `SURE` standard errors, else another.

    Parameters
    ----------
    scores : mapping of choice to np.ndarray [shape=(n,)]
        Of each example under each choice, `unless` among them.
    groups : sequence of str
        Of each example: the errors are those of the mean over groups, which count alike. A few of
        them would choose by chance.
    unless : choice
        What is taken where no gain is sure.
    """
    _, member = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    count = np.bincount(member)
    means = {choice: np.bincount(member, values) / count for choice, values in scores.items()}
    best = max(means, key=lambda choice: float(means[choice].mean()))
    gain = means[best] - means[unless]
    sure = len(gain) > 1 and gain.mean() > SURE * gain.std(ddof=1) / np.sqrt(len(gain))
    return best if sure else unless
