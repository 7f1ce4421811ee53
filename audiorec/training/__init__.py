"""Learning to predict listeners' factors from sound: `fit` says what, `loop` how."""

from audiorec.training.curves import EpochRow
from audiorec.training.fit import TrainResult, fit_content_model, train

__all__ = ["EpochRow", "TrainResult", "fit_content_model", "train"]
