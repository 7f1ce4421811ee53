"""A coarse print of a clip, by which another encoding of the same recording is known.

A print is the course of the level in a few wide bands, second by second. Encoders leave it as it
is; another take, however alike in instruments, is louder and softer at other moments. Haitsma &
Kalker (2002) compare recordings by the same differences, at a far finer grain.
"""

from __future__ import annotations

import numpy as np

from audiorec.config import MelConfig

BANDS = 16
CELLS = 30  # in time: seconds of a clip of 30 s
DEPTH = 60.0  # dB below the loudest cell, under which encoders put what they like
STEADY = 0.1  # weight of what a clip is like throughout, beside how it changes


def make_print(mel: np.ndarray, *, config: MelConfig) -> np.ndarray:
    """Print of one clip.

    Parameters
    ----------
    mel : np.ndarray [shape=(n_mels, n_frames)], dB
    config : MelConfig
        What `mel` was computed with.

    Returns
    -------
    print : np.ndarray [shape=(BANDS * CELLS,)], float32
        Of unit norm, or zero for a clip that is the same everywhere; parts of the clip that a
        short recording lacks are zero. Prints are compared by their inner product.
    """
    n_bands = min(BANDS, config.n_mels)
    edges = np.linspace(0, config.n_frames, CELLS + 1).round().astype(int)
    n_cells = max(1, int(np.searchsorted(edges, mel.shape[1], side="right")) - 1)
    bands = np.linspace(0, mel.shape[0], n_bands + 1).round().astype(int)[:-1]
    coarse = np.add.reduceat(mel, bands, axis=0).astype(np.float64)
    coarse /= np.diff([*bands, mel.shape[0]])[:, None]
    if config.compression == "log10":
        coarse *= 10.0  # dB, but for the faintest
    starts = edges[:n_cells]
    used = min(int(edges[n_cells]), mel.shape[1])
    level = np.add.reduceat(coarse[:, :used], starts, axis=1) / np.diff([*starts, used])
    level = np.maximum(level, level.max() - DEPTH)
    steady = level.mean(axis=1, keepdims=True)
    change = level - steady + STEADY * (steady - steady.mean())
    out = np.zeros((BANDS, CELLS))
    out[:n_bands, :n_cells] = change - change.mean()
    norm = np.linalg.norm(out)
    return (out / norm if norm > 1e-6 else out * 0).astype(np.float32).ravel()
