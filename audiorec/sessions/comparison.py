"""Comparison of the session models on the last days, with GRU4Rec bounded by a budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from audiorec.data import Sessions, split_by_time
from audiorec.sessions.base import SessionModel
from audiorec.sessions.config import GRU4RecConfig, SessionsConfig
from audiorec.sessions.metrics import Scores, rank_next_items
from audiorec.sessions.neighbours import SessionNeighbours
from audiorec.sessions.rules import SequentialRules

VALIDATION_DAYS = 7.0
MAX_VALIDATION = 1000
"""Number of sessions for the comparison: the earliest of those held out."""
MIN_SESSIONS = 50
"""With fewer, GRU4Rec learns nothing beyond the neighbours."""
MAX_EVENTS = 1_000_000
"""Events times epochs of one training of GRU4Rec, unless `LEAST_EPOCHS` are more."""
LEAST_EPOCHS = 2
MAX_STEPS = 4_000
"""Steps of one training: with more events more sessions run in parallel, up to `MAX_BATCH`."""
MAX_BATCH = 128
"""With more, it learns less from each event, and is hardly faster."""

ScoreEpoch = Callable[[SessionModel], Scores]
FitGRU = Callable[[Sessions, ScoreEpoch], list[Scores]]


class Comparison(NamedTuple):
    """Scores of the models on the last days.

    Attributes
    ----------
    scores : dict of str to Scores
        By name; empty if nothing can be held out.
    epochs : int or None
        Epochs after which GRU4Rec was best; None if it was not compared.
    """

    scores: dict[str, Scores]
    epochs: int | None = None

    @property
    def best(self) -> str:
        """Name of the model with the highest MRR@20; vsknn if none was compared."""
        return max(self.scores, key=lambda name: self.scores[name]) if self.scores else "vsknn"


def bounded_settings(sessions: Sessions, config: SessionsConfig) -> GRU4RecConfig:
    """Settings with which GRU4Rec trains on these sessions in bounded time."""
    n_events = max(sessions.n_events, 1)
    n_epochs = min(config.epochs, max(LEAST_EPOCHS, MAX_EVENTS // n_events))
    fields = GRU4RecConfig.model_fields
    batch_size = min(MAX_BATCH, -(-n_events * n_epochs // MAX_STEPS))
    return GRU4RecConfig(
        n_epochs=n_epochs,
        batch_size=max(fields["batch_size"].default, batch_size),
        n_sample=min(fields["n_sample"].default, sessions.n_items),
    )


def without_gru4rec(sessions: Sessions, config: SessionsConfig) -> str:
    """Reason why GRU4Rec is not trained; empty if it is."""
    if config.model not in ("auto", "gru4rec"):
        return f"[sessions] model is {config.model!r}"
    if len(sessions) < MIN_SESSIONS:
        return f"{len(sessions)} sessions are too few to learn from, {MIN_SESSIONS} are needed"
    return ""


def compare(sessions: Sessions, *, config: SessionsConfig, fit_gru: FitGRU | None) -> Comparison:
    """Train every model on all but the last days, and score it on these.

    Parameters
    ----------
    sessions : Sessions
    config : SessionsConfig
    fit_gru : callable, optional
        Trains GRU4Rec, and scores it after each epoch until its score stops rising.
    """
    if len(sessions) < 2 or config.model not in ("auto", "gru4rec"):
        return Comparison({})
    train, test = split_by_time(sessions, days=VALIDATION_DAYS)
    test = test.only_events((train.supports > 0)[test.items])
    test = test.take(np.arange(min(len(test), MAX_VALIDATION)))
    if not len(test):
        return Comparison({})

    def score(model: SessionModel) -> Scores:
        return Scores.of(rank_next_items(model, test).ranks)

    scores: dict[str, Scores] = {}
    neighbours = SessionNeighbours.fit(train)
    simple: list[SessionModel] = [
        SequentialRules.fit(train), neighbours,
        SessionNeighbours(neighbours.to_arrays(), kind="sknn"),
    ]  # fmt: skip
    if config.model == "auto":
        scores = {model.name: score(model) for model in simple}
    if fit_gru is None:
        return Comparison(scores)
    by_epoch = fit_gru(train, score)
    best = max(by_epoch)
    return Comparison({**scores, "gru4rec": best}, by_epoch.index(best) + 1)
