"""How far predictions lie along the mean factor, and whether that is to be believed.

That far a factor lies by how many listeners its track has, as it is long by them. A network
predicts some of it, whether sound tells it or not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from audiorec.data.grouping import one_se_rule
from audiorec.embeddings import Embeddings, unit_norm


def common_part(
    unseen: Embeddings,
    *,
    factors: Embeddings,
    mean: np.ndarray,
    groups: Mapping[str, str],
    unless_heard: bool = False,
) -> np.ndarray | None:
    """What all predictions are to have alike; see `audiorec.models.predict.believed`.

    Parameters
    ----------
    unseen : Embeddings
        Predictions, of length 1, for tracks that were not learned from.
    factors : Embeddings
        Of these tracks at least.
    mean : np.ndarray [shape=(d,)]
        Factor of the tracks that were learned from.
    groups : mapping of str to str
        Artist of each track; one without is a group of its own.
    unless_heard : bool
        Leave predictions as they are, unless the tracks of `unseen` are surely nearer to their
        factors otherwise (two standard errors over groups): where predictions differ along the
        mean, less than half of it is how factors, scaled to length 1, do.

    Returns
    -------
    common : np.ndarray [shape=(d,)], float32, or None
        The direction of `mean`, as long as `unseen` lies along it on average; None where nothing
        is to be changed.
    """
    length = float(np.linalg.norm(mean))
    if not length:
        return None
    direction = mean / length
    told = unseen.vectors @ direction
    if unless_heard:
        known = unit_norm(factors.take(unseen.ids).vectors) @ direction
        by = [groups.get(id_) or id_ for id_ in unseen.ids]
        # What all tracks have too much or too little of changes no ranking.
        told_off, known_off = told - told.mean(), known - known.mean()
        errors = {"as it is": -((known_off - told_off) ** 2), "alike": -(known_off**2)}
        if one_se_rule(errors, groups=by, unless="as it is") == "as it is":
            return None
    along = float(told.mean())
    return (direction * along).astype(np.float32) if along else None
