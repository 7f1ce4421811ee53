"""A space of content alone, for music that nobody is known to have listened to.

Tracks lie where a pretrained encoder's features place them, each feature in deviations from its
mean over the library, so that the cosine of two tracks does not tell what they share with
everything. Artists' names have no part in it: neighbours are alike by sound, not by label.
"""

from __future__ import annotations

import numpy as np
from torch import nn

from audiorec.exceptions import ParameterError
from audiorec.models.heads import linear_head

# Of 435 clips of the 4Q set, which also chose these two, five neighbours by other artists share a
# genre in 66 % with them, in 67 % with the deviations too, in 65 % with the feature maps (each give
# or take 3 %), and in 60 % with the maps whitened, as served before: docs/results.md.
CONTENT_BLOCKS = ("mean", "logits")
"""Blocks of a pretrained encoder's features that the space consists of."""


def fit_content_space(features: np.ndarray) -> nn.Linear:
    """Standardisation of features, as a head.

    Parameters
    ----------
    features : np.ndarray [shape=(n_tracks, n_features)]

    Returns
    -------
    head : nn.Linear
        A feature that never varies is 0.

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
    varies = deviation > 1e-6 * np.maximum(np.abs(centre), 1)
    scale = np.where(varies, deviation, np.inf)
    return linear_head(np.diag(1 / scale), -centre / scale)
