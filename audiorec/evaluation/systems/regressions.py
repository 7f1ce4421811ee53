"""Linear baselines: ridge regression from fixed features of a track to its factors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluation.data import EvaluationData
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems.base import PredictedVectors, Prediction, System, WorkDir
from audiorec.models import fit_ridge

MEL_STATISTICS = "mel statistics + ridge"
TRUE_ATTRIBUTES = "ridge on true attributes"


def genre(data: EvaluationData) -> Embeddings:
    """Return the genres, one column each."""
    return data.genre_columns


def mel_statistics(data: EvaluationData) -> Embeddings:
    """Return mean and deviation of each mel band over time."""
    return data.mel_statistics


def mfcc_statistics(data: EvaluationData) -> Embeddings:
    """Return mean and deviation of 20 MFCCs over time."""
    return data.mfcc_statistics


def true_attributes(data: EvaluationData) -> Embeddings:
    """Return the true attributes of a synthetic world's tracks.

    They give the upper bound of a linear prediction from perfect perception.
    """
    assert data.truth is not None
    return data.truth


def ridge_vectors(
    holdout: Holdout, features: Embeddings
) -> tuple[PredictedVectors, dict[str, float]]:
    """Predict candidates by ridge regression from features to factors.

    The factors are scaled to unit norm if the recipe's model learns them so, and predictions are
    scaled by one number, so that training tracks have the norm of their factors on average.
    """
    targets = holdout.targets
    unit = holdout.data.recipe.train.unit_norm
    known = features.take(targets.ids).vectors
    ridge = fit_ridge(
        known,
        unit_norm(targets.vectors) if unit else targets.vectors,
        groups=[holdout.data.artist_groups[i] for i in targets.ids],
        seed=holdout.key.seed,
    )
    scale = mean_length(targets.vectors) / (mean_length(ridge.predict(known)) or 1.0)
    predicted = ridge.predict(features.take(holdout.cold).vectors) * np.float32(scale)
    return PredictedVectors(predicted), {"penalty": ridge.penalty}


def mean_length(vectors: np.ndarray) -> float:
    """Compute the mean norm of the rows."""
    return float(np.linalg.norm(vectors, axis=1).mean())


def _ridge_on(features: Callable[[EvaluationData], Embeddings]) -> Callable[..., Prediction]:
    def predict(holdout: Holdout, work: WorkDir) -> Prediction:
        vectors, facts = ridge_vectors(holdout, features(holdout.data))
        return Prediction([vectors], facts)

    predict.__doc__ = features.__doc__
    return predict


def _no_genres(data: EvaluationData) -> str | None:
    n_genres = len(data.genres)
    return None if n_genres > 1 else f"the catalogue names {n_genres} genres"


def _no_truth(data: EvaluationData) -> str | None:
    return "no truth of a demo world is given" if data.truth is None else None


SYSTEMS: dict[str, System] = {
    "genre + ridge": System(
        _ridge_on(genre), "baseline", sections=("train",), inapplicable=_no_genres
    ),
    MEL_STATISTICS: System(_ridge_on(mel_statistics), "baseline", sections=("train",)),
    "MFCC + ridge": System(_ridge_on(mfcc_statistics), "baseline", sections=("train",)),
}
CEILINGS: dict[str, System] = {
    TRUE_ATTRIBUTES: System(
        _ridge_on(true_attributes),
        "oracle",
        sections=("train",),
        inapplicable=_no_truth,
        reads_truth=True,
    ),
}
