"""Decoding of audio files, whole or in clips, and checks of what they hold."""

from __future__ import annotations

from audiorec.audio.clips import Heard, clip_hash, clip_starts, hear, load_clips, probe, resample
from audiorec.audio.source import AudioInfo, file_error

__all__ = [
    "AudioInfo",
    "Heard",
    "clip_hash",
    "clip_starts",
    "file_error",
    "hear",
    "load_clips",
    "probe",
    "resample",
]
