"""Decoding of audio files, whole or in clips, and checks of what they hold."""

from __future__ import annotations

from audiorec.audio.clip_decoding import (
    DecodedClips,
    clip_hash,
    clip_starts,
    decode_clips,
    load_clips,
    probe,
    resampled,
)
from audiorec.audio.cut_and_resample import resample
from audiorec.audio.source import AudioInfo, file_error

__all__ = [
    "AudioInfo",
    "DecodedClips",
    "clip_hash",
    "clip_starts",
    "decode_clips",
    "file_error",
    "load_clips",
    "probe",
    "resample",
    "resampled",
]
