"""Arrays that may be larger than memory: beyond a budget they lie in a temporary file.

The file has no name: it goes with the array, or with the process, however that ends.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROWS = 65_536


def empty_array(
    shape: tuple[int, ...], *, dtype: np.dtype, memory: int, folder: Path | None = None
) -> np.ndarray:
    """An array to fill, in memory or, where it would take more than `memory` bytes, in a file.

    Parameters
    ----------
    shape : tuple of int
    dtype : np.dtype
    memory : int
    folder : Path or None
        Where the file lies; None for the system's temporary directory.
    """
    if dtype.itemsize * int(np.prod(shape)) <= memory:
        return np.empty(shape, dtype)
    import tempfile  # here: not before an answer needs it, which it never does

    with tempfile.TemporaryFile(dir=folder) as stream:
        if hasattr(os, "posix_fallocate"):
            # All of it now: a disk that is full later ends a process that writes to memory.
            os.posix_fallocate(stream.fileno(), 0, dtype.itemsize * int(np.prod(shape)))
        return np.memmap(stream, dtype=dtype, mode="w+", shape=shape).view(np.ndarray)


def take_rows(
    vectors: np.ndarray, rows: np.ndarray, *, memory: int, folder: Path | None = None
) -> np.ndarray:
    """Rows of an array, in that order; the array itself where they are all of it as it stands."""
    if len(rows) == len(vectors) and (rows == np.arange(len(rows))).all():
        return vectors
    out = empty_array(
        (len(rows), *vectors.shape[1:]), dtype=vectors.dtype, memory=memory, folder=folder
    )
    for start in range(0, len(rows), ROWS):
        out[start : start + ROWS] = vectors[rows[start : start + ROWS]]
    return out


def concatenate_rows(
    parts: Sequence[np.ndarray], *, memory: int, folder: Path | None = None
) -> np.ndarray:
    """Arrays one after the other; a single one that has any rows as it is."""
    filled = [part for part in parts if len(part)] or list(parts[:1])
    if len(filled) == 1:
        return filled[0]
    n = sum(map(len, filled))
    out = empty_array(
        (n, *filled[0].shape[1:]), dtype=filled[0].dtype, memory=memory, folder=folder
    )
    at = 0
    for part in filled:
        for start in range(0, len(part), ROWS):
            some = part[start : start + ROWS]
            out[at : at + len(some)] = some
            at += len(some)
    return out
