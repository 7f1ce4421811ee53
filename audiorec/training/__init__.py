"""Training of content models: `fit` chooses and evaluates, `loop` runs the epochs."""

from __future__ import annotations

from audiorec.training.curves import EpochRow, plot_history
from audiorec.training.fit import TrainResult, fit_content_model, train

__all__ = [
    "EpochRow",
    "TrainResult",
    "fit_content_model",
    "plot_history",
    "train",
]
