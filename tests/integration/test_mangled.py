"""Files that are whole, but not as their headers say, are heard as long as they are and where.

The long form: AUDIOREC_MANGLED=1000 pytest -s tests/integration/test_mangled.py
"""

from __future__ import annotations

import os
import sys

import numpy as np

from audiorec.audio import decode_clips
from audiorec.audio.config import MelConfig
from audiorec.exceptions import AudioError

from .mangled import FIRST_HZ, HZ_PER_SECOND, KINDS, mangle

SHORT = 6 * len(KINDS)
COUNT = int(os.environ.get("AUDIOREC_MANGLED", SHORT))
CONFIG = MelConfig(clip_seconds=6)
# s: what damage may take (an Ogg page is lost whole), what the pitch may be wrong by, and what
# may be silent at the edge of a clip.
NEAR = 1.5


def heard_at(y, sr):
    """Second of the tone that the middle of a clip comes from."""
    n = sr // 6
    middle = y[(len(y) - n) // 2 :][:n] * np.hanning(n)
    power = np.abs(np.fft.rfft(middle, 1 << 16))
    hz = np.arange(len(power)) * sr / (1 << 16)
    power[hz < FIRST_HZ / 2] = 0
    return (hz[power.argmax()] - FIRST_HZ) / HZ_PER_SECOND


def fault(path, made):
    """What is wrong with what is heard in a file; empty where nothing is."""
    try:
        info, (y,), _ = decode_clips(path, config=CONFIG)
    except AudioError as error:
        return f"refused: {error}"
    if abs(info.duration - made.seconds) > 0.01 * made.seconds:
        return f"lasts {info.duration:.1f} s, not {made.seconds:.1f}"
    at, half = heard_at(y, info.sr), CONFIG.clip_seconds / 2
    places = made.sounds or [(made.seconds / 2 - half, made.seconds / 2 + half)]
    if not any(low + half - NEAR <= at <= high - half + NEAR for low, high in places):
        return f"heard at {at:.1f} s"
    return ""


def test_mangled_files_are_heard_where_and_as_long_as_they_are(tmp_path, capsys):
    faults = {}
    for number in range(COUNT):
        path, made = mangle(number, tmp_path)
        if found := fault(path, made):
            faults[path.name] = found
        path.unlink()
    if COUNT > SHORT:
        with capsys.disabled():
            print(f"\n{COUNT} files, {len(faults)} not heard as they are", file=sys.stderr)
    assert not faults
