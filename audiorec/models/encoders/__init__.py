"""Encoders: from a log-mel crop to a row of features, one module each."""

from audiorec.models.encoders.base import Encoder
from audiorec.models.encoders.build import build_encoder

__all__ = ["Encoder", "build_encoder"]
