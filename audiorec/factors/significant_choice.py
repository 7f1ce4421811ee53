"""Choice of a setting by its scores: the default, unless another is significantly better."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

# Probability that a choice is wrongly found better (one-sided, over all choices together).
FALSE_CHOICES = 0.025

Choice = TypeVar("Choice", bound=Hashable)


def significantly_better_choice(
    scores: Mapping[Choice, np.ndarray], *, groups: Sequence[str], default: Choice
) -> Choice:
    """Choose the best score if its gain is significant, else the default.

    A gain is significant in a one-sided t-test of the groups' gains, at `FALSE_CHOICES` over the
    number of choices (Bonferroni): the best of forty gains two standard errors by chance.

    Parameters
    ----------
    scores : mapping of choice to np.ndarray [shape=(n,)]
        Scores of each example under each choice, with `default`.
    groups : sequence of str
        Group of each example: the errors are those of the mean over groups of equal weight. With
        few groups the choice would be random.
    default : choice
        The choice without a significant gain.
    """
    _, member = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    count = np.bincount(member)
    means = {choice: np.bincount(member, values) / count for choice, values in scores.items()}
    best = max(means, key=lambda choice: float(means[choice].mean()))
    gain = means[best] - means[default]
    if len(gain) < 2 or best == default:
        return default
    needed = _t_quantile(1 - FALSE_CHOICES / (len(means) - 1), len(gain) - 1)
    return best if gain.mean() > needed * gain.std(ddof=1) / np.sqrt(len(gain)) else default


def _t_quantile(probability: float, degrees_of_freedom: int) -> float:
    from scipy.stats import t  # here: it takes a second to load, and is rarely needed

    return float(t.ppf(probability, degrees_of_freedom))
