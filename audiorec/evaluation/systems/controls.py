"""Controls: random order, shuffled features, and popularity, unknown for new tracks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from audiorec.embeddings import Embeddings
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems.base import (
    PredictedVectors,
    Prediction,
    ScoreMatrix,
    System,
    WorkDir,
)
from audiorec.evaluation.systems.regressions import ridge_vectors

RANDOM = "random"
POPULARITY_OF_TEST_TRACKS = "popularity of test tracks (leaky)"
PLAY_COUNT_OF_HALF_A = "play count of half A"

N_RANDOM_DRAWS = 10
N_SHUFFLES = 20  # a draw's error is shared by all listeners, so many draws are needed


def random(holdout: Holdout, work: WorkDir) -> Prediction:
    """Predict a random order of the candidates for each listener; mean over several draws."""
    rng = holdout.rng(1)
    shape = holdout.relevant.shape
    aside = holdout.rng(6)  # training tracks, for the mixed catalogue
    warm = aside.random((shape[0], len(holdout.targets)), dtype=np.float32)
    draws = (rng.random(shape, dtype=np.float32) for _ in range(N_RANDOM_DRAWS))
    return Prediction(ScoreMatrix(draw, warm) for draw in draws)


def shuffled(holdout: Holdout, work: WorkDir) -> Prediction:
    """Predict by `mel statistics + ridge` with features shuffled among tracks: chance level."""
    rng = holdout.rng(2)
    features = holdout.data.mel_statistics

    def draws() -> Iterator[PredictedVectors]:
        for _ in range(N_SHUFFLES):
            dealt = features.vectors[rng.permutation(len(features))]
            yield ridge_vectors(holdout, Embeddings(features.ids, dealt))[0]

    return Prediction(draws())


def popularity_of_test_tracks(holdout: Holdout, work: WorkDir) -> Prediction:
    """Predict by each candidate's number of listeners, scored ones included (a leak)."""
    return _by_count(holdout, holdout.plays)


def play_count_of_half_a(holdout: Holdout, work: WorkDir) -> Prediction:
    """Predict by each candidate's number of listeners in half A, known to oracles."""
    return _by_count(holdout, holdout.plays.filter(pl.col("user_id").is_in(holdout.folding)))


def _by_count(holdout: Holdout, plays: pl.DataFrame) -> Prediction:
    counts = plays.filter(pl.col("plays") > 0).group_by("track_id").len()
    listeners = dict(zip(counts["track_id"].to_list(), counts["len"].to_list(), strict=True))
    cold, warm = (
        np.array([[listeners.get(i, 0) for i in ids]], dtype=np.float32).repeat(
            len(holdout.listeners), axis=0
        )
        for ids in (holdout.cold, holdout.targets.ids)
    )
    return Prediction([ScoreMatrix(cold, warm)])


SYSTEMS: dict[str, System] = {
    RANDOM: System(random, "control"),
    "shuffled": System(shuffled, "control", sections=("train",)),
    POPULARITY_OF_TEST_TRACKS: System(popularity_of_test_tracks, "control"),
    PLAY_COUNT_OF_HALF_A: System(play_count_of_half_a, "control"),
}
