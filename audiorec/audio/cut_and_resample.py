"""Clips cut out of decoded blocks, and their change of sampling rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def cut(
    blocks: Iterable[tuple[int, np.ndarray]], starts: Sequence[int], n: int
) -> list[np.ndarray]:
    """Cut clips out of blocks.

    Parameters
    ----------
    blocks : iterable of (int, np.ndarray [shape=(m,)], float32)
        Position and samples, ascending; what lies between them is silent.
    starts : sequence of int
        Ascending.
    n : int

    Returns
    -------
    clips : list of np.ndarray [shape=(n,)], float32
        Shorter where the blocks end before.
    """
    clips = [np.zeros(n, dtype=np.float32) for _ in starts]
    filled = [0] * len(starts)
    for position, y in blocks:
        for clip, (i, start) in zip(clips, enumerate(starts), strict=True):
            low, high = max(position, start), min(position + len(y), start + n)
            if low < high:
                clip[low - start : high - start] = y[low - position : high - position]
                filled[i] = high - start
            elif position >= start + n and filled[i]:  # the clip ends within a gap
                filled[i] = n
        if position + len(y) >= starts[-1] + n:
            break
    return [clip[:end] for clip, end in zip(clips, filled, strict=True)]


def resample(y: np.ndarray, *, sr: int, target_sr: int, n: int | None = None) -> np.ndarray:
    """Resample by soxr at high quality, as librosa does.

    Parameters
    ----------
    y : np.ndarray [shape=(n_in,)], float32
    sr, target_sr : int
        Sampling rates of `y` and of the result, Hz.
    n : int or None
        At most so many samples of the result.

    Returns
    -------
    y : np.ndarray [shape=(n_out,)], float32
    """
    if sr != target_sr:
        import soxr  # here: clips that have the rate go without it

        y = soxr.resample(y, sr, target_sr, quality="HQ")
    return np.ascontiguousarray(y[:n], dtype=np.float32)
