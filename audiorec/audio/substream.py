"""A stretch of a binary stream as a stream of its own, such as a file within a file."""

from __future__ import annotations

import os
from typing import BinaryIO


class Substream:
    """A stretch of a binary stream as a stream of its own.

    Parameters
    ----------
    stream : BinaryIO
        Raw; its position must not be changed by others meanwhile.
    start, stop : int
        First byte, and the one after the last.
    """

    def __init__(self, stream: BinaryIO, start: int, stop: int) -> None:
        self._stream, self._start, self._stop = stream, start, stop
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Read as from any file."""
        left = max(0, self._stop - self._start - self._at)
        size = left if size is None or size < 0 else min(size, left)
        self._stream.seek(self._start + self._at)
        content = self._stream.read(size)
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Seek as in any file."""
        base = (0, self._at, self._stop - self._start)[whence]
        if base + offset < 0:
            raise ValueError(f"offset={offset} lies before the start")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Position as in any file."""
        return self._at

    def fileno(self) -> int:
        """Raise: a reader of the descriptor would leave the window."""
        raise OSError("a substream has no descriptor")


def size_of(stream: BinaryIO | Substream) -> int:
    """Bytes of a stream, whose position is left at its end."""
    return stream.seek(0, os.SEEK_END)
