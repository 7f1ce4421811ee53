"""A space of content alone, for music that nobody is known to have listened to.

Features of a pretrained network say the same thing many times over, so that the cosine of two
tracks tells mostly what they share with everything. Soft whitening evens that out: principal
components are brought to like variance, the faintest of them less so. Artists' names have no part
in it: neighbours are alike by sound, not by label.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits
from torch import nn

from audiorec.exceptions import ParameterError
from audiorec.models.heads import linear_head

CONTENT_BLOCKS = ("maps",)
"""Blocks of a pretrained encoder's features that are whitened; see `PretrainedEncoder`."""

# A component of mean variance is brought to half of what full whitening would make of it.
SOFTNESS = 1.0
MAX_DIMENSIONS = 256


def fit_content_space(features: np.ndarray) -> nn.Linear:
    """Soft whitening of standardised features.

    Parameters
    ----------
    features : np.ndarray [shape=(n_tracks, n_features)]

    Returns
    -------
    head : nn.Linear
        From features to at most `MAX_DIMENSIONS` components.

    Raises
    ------
    ParameterError
        If there are fewer than two tracks.
    """
    if len(features) < 2:
        raise ParameterError(
            f"a content space needs two tracks and there are {len(features)}; scan more music"
        )
    x = features.astype(np.float64)
    centre, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 1e-6 * np.maximum(np.abs(centre), 1), deviation, np.inf)
    with threadpool_limits(limits=1, user_api="blas"):
        _, singular, components = np.linalg.svd((x - centre) / scale, full_matrices=False)
    variance = singular**2 / len(x)
    kept = min(MAX_DIMENSIONS, max(1, int((variance > 1e-9 * variance.max(initial=0)).sum())))
    soft = np.sqrt(variance[:kept] + SOFTNESS * max(variance.mean(), 1e-12))
    slopes = components[:kept].T / soft / scale[:, None]
    return linear_head(slopes, -centre @ slopes)
