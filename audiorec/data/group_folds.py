"""Group k-fold, group weights, and groups as connected components."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

N_FOLDS = 5
# How often a choice may be taken for better where none is (one-sided, over all choices together).
FALSE_CHOICES = 0.025

Choice = TypeVar("Choice", bound=Hashable)


def even_groups(groups: Sequence[str]) -> np.ndarray:
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


def one_se_rule(
    scores: Mapping[Choice, np.ndarray], *, groups: Sequence[str], unless: Choice
) -> Choice:
    """The choice that scores best, if its gain is sure, else another.

    A gain is sure where a one-sided t-test of the groups' gains is, at `FALSE_CHOICES` over the
    number of choices that there were (Bonferroni): the best of forty gains two standard errors by
    chance.

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
    if len(gain) < 2 or best == unless:
        return unless
    needed = _t_quantile(1 - FALSE_CHOICES / (len(means) - 1), len(gain) - 1)
    return best if gain.mean() > needed * gain.std(ddof=1) / np.sqrt(len(gain)) else unless


def _t_quantile(probability: float, degrees_of_freedom: int) -> float:
    from scipy.stats import t  # here: it takes a second to load, and few that group rows choose

    return float(t.ppf(probability, degrees_of_freedom))


def merge_groups(*groups: Mapping[str, int]) -> dict[str, int]:
    """Join several groupings: what any of them holds together stays together.

    Parameters
    ----------
    *groups : mappings of str to int
        Group numbers of one mapping mean nothing in another.

    Returns
    -------
    merged : dict of str to int
        Groups of two or more, numbered as they come.
    """

    def links() -> Iterable[tuple[str, str]]:
        for grouping in groups:
            first: dict[int, str] = {}
            for id_, group in grouping.items():
                yield first.setdefault(group, id_), id_

    return connected_components(links())


def connected_components(links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Groups of two or more that links join (union-find), numbered as their ids first come."""
    parent: dict[str, str] = {}

    def root(id_: str) -> str:
        parent.setdefault(id_, id_)
        while parent[id_] != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    for a, b in links:
        above, below = root(a), root(b)
        parent[below] = above
    sizes: dict[str, int] = {}
    for id_ in list(parent):
        sizes[root(id_)] = sizes.get(root(id_), 0) + 1
    numbers: dict[str, int] = {}
    return {
        id_: numbers.setdefault(root(id_), len(numbers))
        for id_ in list(parent)
        if sizes[root(id_)] > 1
    }


def artist_groups(
    ids: Iterable[str], artists: Mapping[str, str], together: Mapping[str, Hashable]
) -> dict[str, str]:
    """Whose each track is, where artists who share a recording count as one.

    What is learned from one copy of a recording must not be judged by another, whoever's name
    the other bears.

    Parameters
    ----------
    ids : iterable of str
    artists : mapping of str to str
        Artist of each track; one that has none, or an empty one, is its own.
    together : mapping of str to hashable
        Group of each track that has a duplicate.

    Returns
    -------
    owners : dict of str to str
        Of each track: its artist, or the first by name of the artists that are one.
    """
    own = {id_: artists.get(id_) or id_ for id_ in ids}
    one = merge_groups(numbered(own, artists), numbered(own, together))
    first: dict[int, str] = {}
    for id_, group in one.items():
        first[group] = min(first.get(group, own[id_]), own[id_])
    return {id_: first[one[id_]] if id_ in one else name for id_, name in own.items()}


def numbered(ids: Iterable[str], groups: Mapping[str, Hashable]) -> dict[str, int]:
    """Number of the group of each of `ids` that has one, and not an empty one."""
    numbers: dict[Hashable, int] = {}
    known = ((id_, groups[id_]) for id_ in ids if groups.get(id_) not in (None, ""))
    return {id_: numbers.setdefault(group, len(numbers)) for id_, group in known}
