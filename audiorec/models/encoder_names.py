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
ENCODERS = (*TRAINED_ENCODERS, "descriptors", *PRETRAINED_ENCODERS)
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[ENCODERS]
