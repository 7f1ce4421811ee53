"""Log-mel spectrograms: the transform, the stage that computes them, and the store they lie in.

Answers need `audiorec.mel.store` alone; the transform and the stage load scipy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiorec.mel.store import Location, MelStore

if TYPE_CHECKING:
    from audiorec.mel.compute import MelReport, compute_mels
    from audiorec.mel.transform import audio_to_mels, log_mel

__all__ = ["Location", "MelReport", "MelStore", "audio_to_mels", "compute_mels", "log_mel"]

_HOMES = {
    "MelReport": "audiorec.mel.compute",
    "compute_mels": "audiorec.mel.compute",
    "audio_to_mels": "audiorec.mel.transform",
    "log_mel": "audiorec.mel.transform",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is first asked for."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
