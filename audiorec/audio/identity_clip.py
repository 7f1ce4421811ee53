"""Which part of a recording its identity is taken from."""

from __future__ import annotations

from audiorec.audio.config import MelConfig

# Never change it: every id would change.
IDENTITY = MelConfig(clip_seconds=30.0, n_clips=1)
