"""Linear baselines: ridge regression from fixed features of a track to its factors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluation.data import EvaluationData
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems.base import PredictedVectors, Prediction, System, WorkDir
from audiorec.models.ridge import fit_ridge

MEL_STATISTICS = "mel statistics + ridge"
TRUE_ATTRIBUTES = "ridge on true attributes"


def genre(data: EvaluationData) -> Embeddings:
    """The genre, one column each."""
    return data.genre_columns


def mel_statistics(data: EvaluationData) -> Embeddings:
    """Mean and deviation over time of each mel band."""
    return data.mel_statistics


def mfcc_statistics(data: EvaluationData) -> Embeddings:
    """Mean and deviation over time of 20 MFCCs."""
    return data.mfcc_statistics


def true_attributes(data: EvaluationData) -> Embeddings:
    """The attributes that the tracks of a made world were composed with.

    What could be told of the factors by perception that misses nothing, in a straight line.
    """
    assert data.truth is not None
    return data.truth


def ridge_vectors(
    holdout: Holdout, features: Embeddings
) -> tuple[PredictedVectors, dict[str, float]]:
    """Ridge from features of the training tracks to their factors, at the candidates.

    The factors are scaled to length 1 where the recipe's model learns them so, and what comes out
    is scaled by one number, so that training tracks are as long as their factors.
    """
    targets = holdout.targets
    unit = holdout.data.recipe.train.unit_norm
    known = features.take(targets.ids).vectors
    ridge = fit_ridge(
        known,
        unit_norm(targets.vectors) if unit else targets.vectors,
        groups=[holdout.data.owners[i] for i in targets.ids],
        seed=holdout.key.seed,
    )
    scale = mean_length(targets.vectors) / (mean_length(ridge.predict(known)) or 1.0)
    predicted = ridge.predict(features.take(holdout.cold).vectors) * np.float32(scale)
    return PredictedVectors(predicted), {"penalty": ridge.penalty}


def mean_length(vectors: np.ndarray) -> float:
    """Mean norm of the rows."""
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
    return "no truth of a made world is given" if data.truth is None else None


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
