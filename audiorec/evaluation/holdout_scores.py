"""Scores of one system in one hold-out, by listener."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from audiorec import metrics
from audiorec.embeddings import unit_norm
from audiorec.evaluation.beyond_accuracy import DrawDetails, draw_details
from audiorec.evaluation.candidates import Candidates, candidates_of
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems import PredictedVectors, ScoreMatrix, System, WorkDir

SCORINGS = ("inner product", "cosine")
HEADLINE = "inner product"  # what `audiorec recommend` ranks by


@dataclass(frozen=True, eq=False)
class HoldoutScores:
    """Scores of a system in a hold-out.

    Attributes
    ----------
    values : np.ndarray [shape=(n_draws, n_scorings, n_metrics, n_listeners)], float64
        In the order of `SCORINGS` and `metrics.METRICS`, which are part of the cache key; NaN
        where a listener has no value.
    effects : np.ndarray [shape=(n_scorings, n_metrics, n_groups)], float64
        Effect of resampling each artist among the candidates on the mean over listeners, for the
        first draw; see `metrics.group_effects`.
    facts : dict of str to float
    seconds : float
        Duration of the prediction.
    n_cold : int
        Number of candidates.
    details : DrawDetails
        Of the first draw.
    figures : dict of str to float
        Figures of `beyond_accuracy.FIGURES`, of the first draw.
    history : tuple of (float, float)
        Training and validation loss of each epoch, if trained in epochs.
    """

    values: np.ndarray
    effects: np.ndarray
    facts: dict[str, float]
    seconds: float
    n_cold: int
    details: DrawDetails
    figures: dict[str, float] = field(default_factory=dict)
    history: tuple[tuple[float, float], ...] = ()


def score(holdout: Holdout, system: System, *, work: WorkDir) -> HoldoutScores:
    """Let a system predict, and score it by inner product and by cosine.

    A listener's norm does not affect their ranking, so the cosine is computed as the inner product
    with the track's vector of unit norm.
    """
    start = time.monotonic()
    prediction = system.predict(holdout, work)
    candidates = candidates_of(holdout)
    values: list[np.ndarray] = []
    seconds = 0.0
    for draw in prediction.draws:
        by_scoring = scores_of(holdout, candidates, draw)
        if not values:
            seconds = time.monotonic() - start  # of the system, not of scoring it
            details, figures = draw_details(holdout, candidates, draw, by_scoring[HEADLINE])
            effects = _effects(candidates, by_scoring)
        values.append(_accuracy(candidates, by_scoring))
    return HoldoutScores(
        values=np.stack(values),
        effects=effects,
        facts=prediction.facts,
        seconds=seconds,
        n_cold=len(candidates.names),
        details=details,
        figures=figures,
        history=prediction.history,
    )


def scores_of(
    holdout: Holdout, candidates: Candidates, draw: PredictedVectors | ScoreMatrix
) -> dict[str, np.ndarray]:
    """Compute np.ndarray [shape=(n_listeners, n_candidates)] for each scoring."""
    if isinstance(draw, ScoreMatrix):
        return dict.fromkeys(SCORINGS, candidates.scores(draw.matrix))
    listeners = holdout.listener_factors if draw.listeners is None else draw.listeners
    return {
        "inner product": candidates.scores(listeners @ draw.cold.T),
        "cosine": candidates.scores(listeners @ unit_norm(draw.cold).T),
    }


def _accuracy(
    candidates: Candidates, by_scoring: Mapping[str, np.ndarray], exclude: np.ndarray | None = None
) -> np.ndarray:
    """Compute the metrics : np.ndarray [shape=(n_scorings, n_metrics, n_listeners)], float64."""
    ranks: dict[int, np.ndarray] = {}  # by identity: scores shared by both scorings are ranked once
    for scores in by_scoring.values():
        if id(scores) not in ranks:
            values = metrics.evaluate(scores, candidates.relevant, exclude=exclude)
            ranks[id(scores)] = np.stack(list(values.values()))
    return np.stack([ranks[id(by_scoring[name])] for name in SCORINGS])


def _effects(candidates: Candidates, by_scoring: Mapping[str, np.ndarray]) -> np.ndarray:
    """Compute effects of artists : np.ndarray [shape=(n_scorings, n_metrics, n_groups)]."""
    shape = (len(SCORINGS), len(metrics.METRICS))

    def without(left_out: np.ndarray) -> np.ndarray:
        exclude = np.broadcast_to(left_out, candidates.relevant.shape)
        values = _accuracy(candidates, by_scoring, exclude)
        return values.reshape(-1, values.shape[-1])

    _, effects = metrics.group_effects(without, candidates.groups)
    return effects.T.reshape(*shape, -1)
