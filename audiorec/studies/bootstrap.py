"""Bootstrap means over listeners and hold-outs, by resampled listeners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec import metrics
from audiorec.evaluation import Holdout


class Resampled(NamedTuple):
    """Means over listeners, then over hold-outs, and of resampled listeners."""

    means: np.ndarray
    samples: np.ndarray


def bootstrap_means(values: Sequence[np.ndarray], holdouts: Sequence[Holdout]) -> Resampled:
    """Compute means over hold-outs; listeners are resampled once for all of them.

    The variation of artists is not included: studies compare settings on the same tracks.

    Parameters
    ----------
    values : sequence of np.ndarray [shape=(*shape, n_listeners)]
        Values of each hold-out.
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
