"""Slaney's mel scale (1998, Auditory Toolbox): linear up to 1 kHz, logarithmic above."""

from __future__ import annotations

import numpy as np

from audiorec.audio.config import MelConfig

HZ_PER_MEL = 200.0 / 3  # below 1 kHz
BREAK_HZ = 1000.0
BREAK_MEL = BREAK_HZ / HZ_PER_MEL
LOG_STEP = np.log(6.4) / 27.0  # above 1 kHz, per mel


def band_edges(config: MelConfig) -> np.ndarray:
    """Lower edge of each mel band, then upper edges of the last two : [shape=(n_mels + 2,)], Hz.

    A band reaches from its edge to the next but one; its centre is the one in between.
    """
    low, high = (_to_mel(hz) for hz in (0.0, config.sr / 2))
    return _to_hz(np.linspace(low, high, config.n_mels + 2))


def _to_mel(hz: float) -> float:
    if hz < BREAK_HZ:
        return hz / HZ_PER_MEL
    return float(BREAK_MEL + np.log(hz / BREAK_HZ) / LOG_STEP)


def _to_hz(mel: np.ndarray) -> np.ndarray:
    above = BREAK_HZ * np.exp(LOG_STEP * (mel - BREAK_MEL))
    return np.where(mel < BREAK_MEL, mel * HZ_PER_MEL, above)
