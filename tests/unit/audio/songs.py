"""Songs of chords whose tempo, key and length are known."""

from __future__ import annotations

import numpy as np

SR = 22050


def triad(root_midi: int, intervals: tuple[int, ...], seconds: float) -> np.ndarray:
    """A chord of a few harmonics."""
    t = np.arange(int(SR * seconds)) / SR
    notes = [440 * 2 ** ((root_midi + interval - 69) / 12) for interval in intervals]
    return sum(np.sin(2 * np.pi * f * h * t) / h for f in notes for h in (1, 2, 3))


def song(bpm: float, *, root: int = 57, minor: bool = False, seconds: float = 12.0) -> np.ndarray:
    """Chords I, IV, V, I, one a beat with a sharp attack."""
    third = 3 if minor else 4
    beat = 60 / bpm
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
    parts = []
    for n in range(int(seconds / beat)):
        y = triad(root, chords[n % 4], beat)
        parts.append(y * np.exp(-6 * np.arange(len(y)) / len(y)))
    y = np.concatenate(parts)
    return (0.3 * y / np.abs(y).max()).astype(np.float32)
