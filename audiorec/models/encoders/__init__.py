"""Encoders: from a log-mel crop to a row of features, each named in ``registry``."""

from audiorec.models.encoders.base import Encoder
from audiorec.models.encoders.registry import ENCODERS, build_encoder

__all__ = ["ENCODERS", "Encoder", "build_encoder"]
