"""Learning to predict listeners' factors from sound."""

from audiorec.training.learn import Learned, learn
from audiorec.training.loop import EpochRow, TrainResult, train

__all__ = ["EpochRow", "Learned", "TrainResult", "learn", "train"]
