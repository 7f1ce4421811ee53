"""Sources made of others: several in a row, or a second one for where the first fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np

from audiorec.audio.source import DAMAGED_FRAMES, AudioInfo, DamagedError, Source, cut, resample
from audiorec.exceptions import AudioError

# A decoder that gives less than was asked for has met damage, unless it is only so much less.
SHORT_SECONDS = 0.5


class JoinedSource:
    """Recordings one behind the other, at the sampling rate of the longest.

    Parameters
    ----------
    parts : sequence of Source
        At least one.
    sr : int, optional
        Another sampling rate to bring them to, Hz.
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
        """Position and samples of what each part has of a clip."""
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


class FallbackSource:
    """A recording, and another decoder of it for where the first cannot go on.

    Parameters
    ----------
    first : Source
    second : callable
        Opens it by the other decoder.
    is_damaged : callable, optional
        Whether the recording is damaged in the `n` samples from any of some starts, where the first
        decoder would go on as if nothing were missing.
    """

    def __init__(
        self,
        first: Source,
        second: Callable[[], Source],
        is_damaged: Callable[[Sequence[int], int], bool] | None = None,
    ) -> None:
        self._active, self._second, self._is_damaged = first, second, is_damaged
        self._is_first = True
        self.info = first.info

    @property
    def note(self) -> str:
        """See `audiorec.audio.source.Source`."""
        return self._active.note or ("" if self._is_first else DAMAGED_FRAMES)

    def align(self) -> bool:
        """See `audiorec.audio.source.Source`."""
        return self._active.align()

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """See `audiorec.audio.source.Source`."""
        if not self._is_first:
            return self._active.read(starts, n)
        error, clips = None, []
        try:
            clips = self._active.read(starts, n)
        except DamagedError as damage:
            error = damage
        slack = int(SHORT_SECONDS * self.info.sr)
        is_short = error is not None or any(len(y) <= n - slack for y in clips)
        if not is_short and not (self._is_damaged and self._is_damaged(starts, n)):
            return clips
        try:
            second = JoinedSource([self._second()], sr=self.info.sr)
            again = second.read(starts, n)
        except AudioError:
            again = []
        gained = sum(map(len, again)) - sum(map(len, clips))
        if gained > (0 if is_short else -slack):
            self._active, self._is_first = second, False
            return again
        if error is not None:
            raise error
        return clips
