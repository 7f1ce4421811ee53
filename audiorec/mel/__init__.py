"""Log-mel spectrograms: the transform, the stage that computes them, and their store.

Answers need `audiorec.mel.store` alone; the transform and the stage load scipy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.mel.store import Location, MelStore, opened_store

if TYPE_CHECKING:
    from audiorec.mel.compute import MelJob, MelReport, compute_mels
    from audiorec.mel.duplicates import duplicates_of, near_duplicates
    from audiorec.mel.scanned_mels import ScannedMels
    from audiorec.mel.transform import audio_to_mels, log_mel

__all__ = [
    "Location",
    "MelJob",
    "MelReport",
    "MelStore",
    "ScannedMels",
    "audio_to_mels",
    "compute_mels",
    "duplicates_of",
    "log_mel",
    "near_duplicates",
    "opened_store",
]

# The transform and the stage load scipy, which answers do not need.
__getattr__ = lazy_attributes(
    __name__,
    {
        "compute": ("MelJob", "MelReport", "compute_mels"),
        "duplicates": ("duplicates_of", "near_duplicates"),
        "scanned_mels": ("ScannedMels",),
        "transform": ("audio_to_mels", "log_mel"),
    },
)
