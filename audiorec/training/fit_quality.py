"""Fit quality of predictions on held-out artists, against two trivial baselines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.factors import agreement_of

LEAST_SPREAD = 0.01  # of the factors' own: below it, all tracks are neighbours of all


class FitQuality(NamedTuple):
    """Similarity of predictions to factors on held-out artists, and their spread.

    Attributes
    ----------
    cosine : float
        Mean cosine of vectors and factors.
    cosine_of_mean : float
        The same for a single vector, the mean of the training factors.
    spread : float
        Variance of the directions of one model's vectors over that of their factors' directions;
        0 if all vectors are equal.
    """

    cosine: float
    cosine_of_mean: float
    spread: float

    @property
    def warning(self) -> str:
        """Reason why the vectors are unreliable; empty if they are not."""
        if self.spread < LEAST_SPREAD:
            return (
                f"the vectors are all alike ({100 * self.spread:.2g} % of the factors' variance), "
                "so neighbours mean nothing: sound does not predict this listening; import more "
                "plays, scan more artists, or take the recipe library"
            )
        if self.cosine <= self.cosine_of_mean:
            return (
                "to artists left out the vectors are no nearer than one vector for all; import "
                "more plays, scan more artists, or take the recipe library"
            )
        return ""


def measure_fit_quality(
    unseen: Embeddings, factors: Embeddings, *, vectors: Embeddings
) -> FitQuality | None:
    """Compare predictions with factors; None if no artist was held out.

    Parameters
    ----------
    unseen : Embeddings
        Vectors of tracks by held-out artists.
    factors : Embeddings
        Of all tracks with audio, including these.
    vectors : Embeddings
        Of some tracks by the served model.
    """
    if not len(unseen):
        return None
    left_out = set(unseen.ids)
    others = [i for i in factors.ids if i not in left_out] or factors.ids  # each held out in turn
    mean = unit_norm(factors.take(others).vectors).mean(axis=0, keepdims=True)
    alone = Embeddings(unseen.ids, np.repeat(mean, len(unseen), axis=0))
    spread_of_factors = _spread(factors.take(vectors.ids).vectors)
    return FitQuality(
        agreement_of(unseen, factors),
        agreement_of(alone, factors),
        _spread(vectors.vectors) / spread_of_factors if spread_of_factors > 0 else 1.0,
    )


def _spread(vectors: np.ndarray) -> float:
    """Mean squared distance of directions to their mean."""
    unit = unit_norm(vectors.astype(np.float64))
    return float(np.square(unit - unit.mean(axis=0)).sum(axis=1).mean())
