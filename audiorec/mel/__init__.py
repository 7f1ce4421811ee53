"""Log-mel spectrograms: the transform, the stage that computes them, and their store.

Answers need `audiorec.mel.store` alone; the transform and the stage load scipy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.mel.store import Location, MelStore

if TYPE_CHECKING:
    from audiorec.mel.compute import MelReport, compute_mels
    from audiorec.mel.transform import audio_to_mels, log_mel

__all__ = ["Location", "MelReport", "MelStore", "audio_to_mels", "compute_mels", "log_mel"]

# The transform and the stage load scipy, which answers do not need.
__getattr__ = lazy_attributes(
    __name__,
    {
        "compute": ("MelReport", "compute_mels"),
        "transform": ("audio_to_mels", "log_mel"),
    },
)
