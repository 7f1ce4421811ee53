"""Encoders: from a log-mel crop to a row of features, one module each."""

from __future__ import annotations

from audiorec.models.encoders.base import Encoder
from audiorec.models.encoders.build import build_encoder
from audiorec.models.encoders.pretrained import PretrainedEncoder, check_front_end, ready_pretrained

__all__ = [
    "Encoder",
    "PretrainedEncoder",
    "build_encoder",
    "check_front_end",
    "ready_pretrained",
]
