"""Learning to predict listeners' factors from sound."""

from audiorec.training.loop import EpochRow, TrainResult, train

__all__ = ["EpochRow", "TrainResult", "train"]
