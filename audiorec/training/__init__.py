"""Training of content models: `fit` chooses and evaluates, `loop` runs the epochs."""

from audiorec.training.curves import EpochRow
from audiorec.training.fit import TrainResult, fit_content_model, train

__all__ = ["EpochRow", "TrainResult", "fit_content_model", "train"]
