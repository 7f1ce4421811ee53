"""A coarse print of a clip, by which another encoding of the same recording is known.

A print is the course of the level in a few wide bands, second by second. Encoders leave it as it
is; another take, however alike in instruments, is louder and softer at other moments. Haitsma &
Kalker (2002) compare recordings by the same differences, at a far finer grain.

The level is that of the power, which the loudest moments of a cell decide: in soft ones encoders
put what they like, and a mean of decibels would count these as much.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from audiorec.audio.config import MelConfig

PRINTS_VERSION = 2  # raised when prints change, so that those that are stored are made again

BANDS = 16
CELLS = 30  # in time: seconds of a clip of 30 s
DEPTH = 30.0  # dB below the loudest cell, under which encoders put what they like
STEADY = 0.02  # weight of what a clip is like throughout, beside how it changes


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
    level_db = mel.astype(np.float64)
    if config.compression == "log10":
        level_db *= 10.0  # dB, but for the faintest
    power = np.add.reduceat(10.0 ** (level_db / 10.0), bands, axis=0)
    power /= np.diff([*bands, mel.shape[0]])[:, None]
    starts = edges[:n_cells]
    used = min(int(edges[n_cells]), mel.shape[1])
    power = np.add.reduceat(power[:, :used], starts, axis=1) / np.diff([*starts, used])
    level = 10.0 * np.log10(np.maximum(power, np.finfo(np.float64).tiny))
    level = np.maximum(level, level.max() - DEPTH)
    steady = level.mean(axis=1, keepdims=True)
    change = level - steady + STEADY * (steady - steady.mean())
    out = np.zeros((BANDS, CELLS))
    out[:n_bands, :n_cells] = change - change.mean()
    norm = np.linalg.norm(out)
    return (out / norm if norm > 1e-6 else out * 0).astype(np.float32).ravel()


def print_shard(
    mels: np.ndarray, meta: Iterable[tuple[str, str, int, int, int]], *, config: MelConfig
) -> dict[str, np.ndarray]:
    """Prints of the tracks of a shard that is stored.

    Parameters
    ----------
    mels : np.ndarray [shape=(n, n_mels, n_frames)]
    meta : iterable of (track_id, clip_hash, clip, row, n_frames)
        Of each clip, those of a track in order; no frames where a track failed.
    config : MelConfig

    Returns
    -------
    prints : dict of str to np.ndarray [shape=(BANDS * CELLS,)], float32
        Of the middle clip of each track that went well, in order.
    """
    clips: dict[str, list[tuple[int, int]]] = {}
    for track_id, _, _, row, n_frames in meta:
        if n_frames:
            clips.setdefault(track_id, []).append((row, n_frames))
    middle = {track_id: rows[len(rows) // 2] for track_id, rows in clips.items()}
    return {
        track_id: make_print(mels[row, :, :n_frames], config=config)
        for track_id, (row, n_frames) in middle.items()
    }
