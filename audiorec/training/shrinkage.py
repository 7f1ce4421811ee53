"""How far predictions are to be believed in each direction in which listeners differ.

Along the directions in which listeners differ most, taste goes by what can be heard. Along the
others factors are more and more what is left of single plays, which no sound tells, and what a
network predicts of them is noise. Listeners are many where tracks with listeners are few, so that
it is their factors that say which directions these are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from audiorec.data.grouping import even_groups, group_kfold, one_se_rule
from audiorec.embeddings import Embeddings, unit_norm


def learn_shrinkage(
    unseen: Embeddings,
    *,
    factors: Embeddings,
    listeners: np.ndarray,
    mean: np.ndarray,
    groups: Mapping[str, str],
    seed: int,
    unless_alike: bool = False,
) -> np.ndarray | None:
    """What to multiply predictions by, so that each direction counts as far as it is heard.

    Along each principal component of the listeners' factors, predictions are multiplied by the
    slope of the regression of factors on them, at tracks that were not learned from. Slopes fall
    from the direction in which listeners differ most to the one in which they differ least, by
    isotonic regression (Barlow et al., "Statistical inference under order restrictions", 1972):
    so many of them from so few tracks would be noise themselves. Along the mean factor
    predictions stay as they are, see `audiorec.training.popularity`.

    Parameters
    ----------
    unseen : Embeddings
        Predictions, of length 1, for tracks that were not learned from.
    factors : Embeddings
        Of these tracks at least.
    listeners : np.ndarray [shape=(n_listeners, d)]
        Factors of listeners.
    mean : np.ndarray [shape=(d,)]
        Factor of the tracks that were learned from.
    groups : mapping of str to str
        Artist of each track; one without is a group of its own.
    seed : int
        Deals artists, see `unless_alike`.
    unless_alike : bool
        Leave predictions as they are, unless slopes that were learned from some of the artists
        surely bring predictions for the others nearer to their factors than one slope for all
        directions does (two standard errors over artists).

    Returns
    -------
    shrinkage : np.ndarray [shape=(d, d)], float32, or None
        Symmetric. None where nothing is to be changed.
    """
    length = float(np.linalg.norm(mean))
    if len(listeners) < 2 or not length or not len(unseen):
        return None
    popular = (mean / length).astype(np.float64)
    across = np.eye(len(mean)) - np.outer(popular, popular)
    covariance = np.cov(listeners, rowvar=False, dtype=np.float64).reshape(across.shape)
    _, axes = np.linalg.eigh(covariance)
    axes = across @ axes[:, ::-1]
    told = unseen.vectors @ axes
    known = unit_norm(factors.take(unseen.ids).vectors) @ axes
    by = [groups.get(id_) or id_ for id_ in unseen.ids]
    weights = even_groups(by)
    if unless_alike:
        slopes, alike = np.zeros_like(told), np.zeros_like(told)
        fold = group_kfold(by, seed=seed)
        for number in np.unique(fold):
            rest = fold != number
            if not rest.any():
                return None
            slopes[~rest] = _slopes(told[rest], known[rest], weights=weights[rest])
            alike[~rest] = _slope(told[rest], known[rest], weights=weights[rest])
        errors = {
            name: -np.square(known - slope * told).sum(axis=1)
            for name, slope in (("by direction", slopes), ("alike", alike))
        }
        if one_se_rule(errors, groups=by, unless="alike") == "alike":
            return None
    found = _slopes(told, known, weights=weights)
    return ((axes * found) @ axes.T + np.outer(popular, popular)).astype(np.float32)


def _slopes(told: np.ndarray, known: np.ndarray, *, weights: np.ndarray) -> np.ndarray:
    """Of each column, none above the one before it and none below 0 : [shape=(d,)]."""
    from scipy.optimize import isotonic_regression

    agree = weights @ (told * known)
    size = np.maximum(weights @ np.square(told), 1e-12)
    fitted = isotonic_regression(agree / size, weights=size, increasing=False)
    return np.asarray(np.maximum(fitted.x, 0.0))


def _slope(told: np.ndarray, known: np.ndarray, *, weights: np.ndarray) -> float:
    """Of all columns together."""
    agree = float((weights @ (told * known)).sum())
    return agree / max(float((weights @ np.square(told)).sum()), 1e-12)
