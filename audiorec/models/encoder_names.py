"""Names of the encoders, readable without loading torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

TRAINED_ENCODERS = {
    "cnn": "Cnn",
    "dieleman2014": "Dieleman2014",
    "vandenoord2013": "VanDenOord2013",
    "shortchunk": "ShortChunk",
}
"""Class of each encoder trained from scratch; its module in `encoders` has the same name."""
PRETRAINED_ENCODERS = ("musicnn", "musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt")
"""Encoders with published weights."""
FIXED_ENCODER = "spectrogram-statistics"
"""The encoder that has nothing to learn."""
ENCODERS = (*TRAINED_ENCODERS, FIXED_ENCODER, *PRETRAINED_ENCODERS)
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[ENCODERS]
