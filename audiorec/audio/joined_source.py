"""Several recordings read as one, such as those of a chained Ogg file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from audiorec.audio.cut_and_resample import cut, resample
from audiorec.audio.source import AudioInfo, Source


class JoinedSource:
    """Recordings one after the other, at the sampling rate of the longest.

    Parameters
    ----------
    parts : sequence of Source
        At least one.
    sr : int, optional
        Common sampling rate of all of them, Hz.
    """

    def __init__(self, parts: Sequence[Source], *, sr: int | None = None) -> None:
        self._parts = parts
        main = max(parts, key=lambda part: part.info.duration).info
        seconds = [part.info.duration for part in parts]
        self._begins = [0.0, *accumulate(seconds)]
        self.info = AudioInfo(self._begins[-1], sr or main.sr, main.channels, main.format)

    @property
    def note(self) -> str:
        """See `audiorec.audio.source.Source`."""
        return next((part.note for part in self._parts if part.note), "")

    def align(self) -> bool:
        """See `audiorec.audio.source.Source`."""
        return sum(part.align() for part in self._parts) > 0

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """See `audiorec.audio.source.Source`."""
        return [cut(self._blocks(start, n), [start], n)[0] for start in starts]

    def _blocks(self, start: int, n: int) -> list[tuple[int, np.ndarray]]:
        """Position and samples of each part within a clip."""
        blocks = []
        for begin, part in zip(self._begins, self._parts, strict=False):
            sr, total = part.info.sr, round(part.info.duration * part.info.sr)
            first = max(0, round((start / self.info.sr - begin) * sr))
            last = min(total, round(((start + n) / self.info.sr - begin) * sr))
            if first < last:
                (y,) = part.read([first], last - first)
                position = round((begin + first / sr) * self.info.sr)
                blocks.append((position, resample(y, sr=sr, target_sr=self.info.sr)))
        return blocks
