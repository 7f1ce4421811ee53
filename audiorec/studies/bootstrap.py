"""Means over listeners and hold-outs, with drawn listeners for their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec import metrics
from audiorec.evaluation.holdout import Holdout


class Resampled(NamedTuple):
    """Means over listeners, then over hold-outs, and the same of drawn listeners."""

    means: np.ndarray
    samples: np.ndarray


def bootstrap_means(values: Sequence[np.ndarray], holdouts: Sequence[Holdout]) -> Resampled:
    """Means over hold-outs; listeners are drawn once for all of them.

    What drawing other artists would change is not in it: studies compare settings on the same
    tracks.

    Parameters
    ----------
    values : sequence of np.ndarray [shape=(*shape, n_listeners)]
        Of each hold-out.
    holdouts : sequence of Holdout
    """
    shape = values[0].shape[:-1]
    cells = [
        metrics.HoldoutValues(
            one.reshape(-1, one.shape[-1]).T, holdout.listeners, np.zeros((0, 1)), ()
        )
        for one, holdout in zip(values, holdouts, strict=True)
    ]
    means = np.mean([np.nanmean(one, axis=-1) for one in values], axis=0)
    samples = metrics.two_way(cells)
    return Resampled(means, samples.reshape(-1, *shape))
