"""A recording with a second decoder for the parts at which the first fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from audiorec.audio.joined_source import JoinedSource
from audiorec.audio.source import DAMAGED_FRAMES, DamagedError, Source
from audiorec.exceptions import AudioError

# A decoder that returns fewer samples than requested has met damage, but for a shortfall this
# small.
SHORT_SECONDS = 0.5


class FallbackSource:
    """A recording, with another decoder for the parts where the first cannot continue.

    Parameters
    ----------
    first : Source
    second : callable
        Opens it by the other decoder.
    is_damaged : callable, optional
        Tests whether any of the `n` samples from some starts are damaged, where the first decoder
        would continue as if nothing were missing.
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
