"""The protocol of readers of recordings, the facts of their headers, and their errors."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from audiorec.exceptions import AudioError
from audiorec.printable_text import one_line

SAMPLING_RATES = (1_000, 1_000_000)  # Hz, plausible ones
BLOCK_VALUES = 1 << 19  # samples times channels decoded at a time: 2 MB
DAMAGED_FRAMES = "has damaged frames, which are left out; copy it again"

Bytes = bytes | mmap.mmap


class AudioInfo(NamedTuple):
    """Duration and format of a recording, from its header.

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
        Defect of the samples that were read; else empty.
    """

    info: AudioInfo

    @property
    def note(self) -> str: ...

    def align(self) -> bool:
        """Change the mix of channels where those read so far cancel out; return whether it did."""

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """Read `n` samples from each of the ascending `starts`.

        Returns
        -------
        clips : list of np.ndarray [shape=(n,)], float32
            Mixed to mono; shorter where the file is truncated.
        """


class DamagedError(AudioError):
    """Damage at which a decoder could not continue."""


def file_error(path: Path, what: str, remedy: str) -> AudioError:
    """Make an error of one line: the file, what is wrong with it, and the remedy."""
    return AudioError(one_line(f"{path} {what}; {remedy}"))


def checked(path: Path, info: AudioInfo) -> AudioInfo:
    """Return `info`; raise `AudioError` if its sampling rate is implausible."""
    low, high = SAMPLING_RATES
    if not low <= info.sr <= high:
        raise file_error(
            path, f"claims a sampling rate of {info.sr} Hz", f"{low} to {high} Hz are possible"
        )
    return info
