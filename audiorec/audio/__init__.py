"""Decoding of audio files, whole or in clips, and checks of what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.audio.backends import open_source
from audiorec.audio.clip_decoding import (
    DecodedClips,
    clip_hash,
    clip_starts,
    decode_clips,
    load_clips,
    probe,
    resampled,
)
from audiorec.audio.config import IDENTITY_CLIP, MelConfig
from audiorec.audio.cut_and_resample import resample
from audiorec.audio.source import AudioInfo, file_error
from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.audio.descriptors import describe_file, measure_descriptors
    from audiorec.audio.fingerprint import (
        Fingerprints,
        find_copies,
        find_copies_of,
        fingerprint_shard,
        make_fingerprint,
    )

__all__ = [
    "IDENTITY_CLIP",
    "AudioInfo",
    "DecodedClips",
    "Fingerprints",
    "MelConfig",
    "clip_hash",
    "clip_starts",
    "decode_clips",
    "describe_file",
    "file_error",
    "find_copies",
    "find_copies_of",
    "fingerprint_shard",
    "load_clips",
    "make_fingerprint",
    "measure_descriptors",
    "open_source",
    "probe",
    "resample",
    "resampled",
]

# Decoding needs none of these.
__getattr__ = lazy_attributes(
    __name__,
    {
        "descriptors": ("describe_file", "measure_descriptors"),
        "fingerprint": (
            "Fingerprints",
            "find_copies",
            "find_copies_of",
            "fingerprint_shard",
            "make_fingerprint",
        ),
    },
)
