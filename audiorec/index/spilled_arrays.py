"""Arrays that may exceed memory: beyond a budget they are in a temporary file.

The file has no name: it is deleted with the array, or with the process, however that ends.
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
    """Allocate an array in memory or, if it exceeds `memory` bytes, in a file.

    Parameters
    ----------
    shape : tuple of int
    dtype : np.dtype
    memory : int
    folder : Path or None
        Folder of the file; None for the system's temporary directory.
    """
    if dtype.itemsize * int(np.prod(shape)) <= memory:
        return np.empty(shape, dtype)
    import tempfile  # here: no answer ever needs it

    with tempfile.TemporaryFile(dir=folder) as stream:
        if hasattr(os, "posix_fallocate"):
            # All of it now: if the disk became full later, writing to the mapped memory would kill
            # the process.
            os.posix_fallocate(stream.fileno(), 0, dtype.itemsize * int(np.prod(shape)))
        return np.memmap(stream, dtype=dtype, mode="w+", shape=shape).view(np.ndarray)


def take_rows(
    vectors: np.ndarray, rows: np.ndarray, *, memory: int, folder: Path | None = None
) -> np.ndarray:
    """Rows of an array, in that order; the array itself if it would be unchanged."""
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
    """Concatenate arrays; a single nonempty one is returned unchanged."""
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
