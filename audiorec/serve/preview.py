"""Preview of a track: a short excerpt as an MP3, which every browser plays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from audiorec.audio import open_source, resample

RATE = 44_100


class PreviewRequest(NamedTuple):
    """A file, and start and length of the excerpt (s); without a start, its middle."""

    path: str
    start: float | None
    seconds: float


def make_preview(request: PreviewRequest) -> bytes:
    """Encode an excerpt of a file, or all of a shorter one. Runs in a worker.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    with open_source(Path(request.path)) as source:
        info = source.info
        total = int(info.duration * info.sr)
        n = min(int(request.seconds * info.sr), total)
        start = (total - n) // 2 if request.start is None else int(request.start * info.sr)
        start = max(0, min(start, total - n))
        y = np.asarray(source.read([start], n)[0], dtype=np.float32)
    y = resample(y, sr=info.sr, target_sr=RATE)
    out = io.BytesIO()
    soundfile.write(out, np.clip(y, -1, 1), RATE, format="MP3", subtype="MPEG_LAYER_III")
    return out.getvalue()
