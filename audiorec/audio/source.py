"""What every reader of recordings has in common: the header, clips of blocks, errors."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np

from audiorec.exceptions import AudioError
from audiorec.printable_text import one_line

SAMPLING_RATES = (1_000, 1_000_000)  # Hz, what any recording could have
BLOCK_VALUES = 1 << 19  # samples times channels decoded at once: 2 MB
DAMAGED_FRAMES = "has damaged frames, which are left out; copy it again"

Bytes = bytes | mmap.mmap


class AudioInfo(NamedTuple):
    """What a file's header says.

    Attributes
    ----------
    duration : float
        Seconds.
    sr : int
        Sampling rate, Hz.
    channels : int
    format : str
        Container or codec in lower case: ``"mp3"``, ``"flac"``, ``"wav"``.
    """

    duration: float
    sr: int
    channels: int
    format: str


class Source(Protocol):
    """An open recording.

    Attributes
    ----------
    info : AudioInfo
    note : str
        What is wrong with the samples that were read, else empty.
    """

    info: AudioInfo

    @property
    def note(self) -> str: ...

    def align(self) -> bool:
        """Change how channels are mixed where those read so far cancel out; say whether."""

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """Read `n` samples from each of the ascending `starts`.

        Returns
        -------
        clips : list of np.ndarray [shape=(n,)], float32
            Mixed to mono; shorter where the file is cut off.
        """


class DamagedError(AudioError):
    """A decoder could not go on."""


class StreamWindow:
    """A stretch of a binary stream, as a stream of its own.

    Parameters
    ----------
    stream : BinaryIO
        Raw; nobody else may move in it meanwhile.
    start, stop : int
        First byte, and the first one behind the last.
    """

    def __init__(self, stream: BinaryIO, start: int, stop: int) -> None:
        self._stream, self._start, self._stop = stream, start, stop
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        left = max(0, self._stop - self._start - self._at)
        size = left if size is None or size < 0 else min(size, left)
        self._stream.seek(self._start + self._at)
        content = self._stream.read(size)
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any file."""
        base = (0, self._at, self._stop - self._start)[whence]
        if base + offset < 0:
            raise ValueError(f"offset={offset} lies before the start")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """As of any file."""
        return self._at

    def fileno(self) -> int:
        """There is none: who reads by descriptor would leave the window."""
        raise OSError("a window has no descriptor")


def size_of(stream: BinaryIO | StreamWindow) -> int:
    """Bytes of a stream, which is left at its end."""
    return stream.seek(0, os.SEEK_END)


def file_error(path: Path, what: str, remedy: str) -> AudioError:
    """One line that names the file, what is wrong with it, and what to do."""
    return AudioError(one_line(f"{path} {what}; {remedy}"))


def checked(path: Path, info: AudioInfo) -> AudioInfo:
    """`info`, or `AudioError` if it claims a sampling rate that no recording has."""
    low, high = SAMPLING_RATES
    if not low <= info.sr <= high:
        raise file_error(
            path, f"claims a sampling rate of {info.sr} Hz", f"{low} to {high} Hz are possible"
        )
    return info


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
