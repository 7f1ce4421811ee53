"""Files that are whole, but not as their headers say, are heard as long as they are and where.

The long form: AUDIOREC_MANGLED=1000 pytest -s tests/integration/test_mangled.py
"""

from __future__ import annotations

import os
import sys

import numpy as np

from audiorec.audio import MelConfig, decode_clips
from audiorec.exceptions import AudioError

from .mangled import FIRST_HZ, HZ_PER_SECOND, KINDS, mangle

SHORT = 3 * len(KINDS)
COUNT = int(os.environ.get("AUDIOREC_MANGLED", SHORT))
CONFIG = MelConfig(clip_seconds=6)
NEAR = 0.1  # s, by which the place may be off: what encoders pad, and how well pitch tells it
QUIET_EDGE = 0.5  # s of silence that a clip may begin or end with that was moved to what sounds


def heard_at(y, sr):
    """Second of the tone that the middle of a clip comes from, by its loudest stretch."""
    n = sr // 6
    stretches = y[: len(y) // n * n].reshape(-1, n)
    energy = (stretches**2).sum(axis=1)
    # The loudest, but for a little the one next to the middle.
    distance = np.abs(np.arange(len(energy)) - len(energy) / 2)
    best = int(np.where(energy > 0.8 * energy.max(), distance, np.inf).argmin())
    power = np.abs(np.fft.rfft(stretches[best] * np.hanning(n), 1 << 16))
    hz = np.arange(len(power)) * sr / (1 << 16)
    power[hz < FIRST_HZ / 2] = 0
    at = (hz[power.argmax()] - FIRST_HZ) / HZ_PER_SECOND
    return at + (len(y) / 2 - (best + 0.5) * n) / sr


def fault(path, made):
    """What is wrong with what is heard in a file; empty where nothing is."""
    try:
        info, (y,), *_ = decode_clips(path, config=CONFIG)
    except AudioError as error:
        return f"refused: {error}"
    if abs(info.duration - made.seconds) > 0.01 * made.seconds:
        return f"lasts {info.duration:.1f} s, not {made.seconds:.1f}"
    at, half, middle = heard_at(y, info.sr), CONFIG.clip_seconds / 2, made.seconds / 2
    places = [(low + half - QUIET_EDGE, high - half + QUIET_EDGE) for low, high in made.sounds]
    places = places or [(middle, middle + made.lost)]
    if not any(low - NEAR <= at <= high + NEAR for low, high in places):
        return f"heard at {at:.2f} s"
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
