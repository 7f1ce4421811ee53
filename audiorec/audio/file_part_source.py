"""A part of a recording, as a recording of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audiorec.audio.source import Source, file_error
from audiorec.data import FilePart


class SegmentSource:
    """A part of an open recording; see `Source`.

    Parameters
    ----------
    source : Source
        The whole.
    segment : FilePart

    Raises
    ------
    AudioError
        If it begins after the end of the whole.
    """

    def __init__(self, source: Source, segment: FilePart) -> None:
        sr, whole = source.info.sr, source.info.duration
        end = whole if segment.end is None else min(segment.end, whole)
        if segment.start >= end:
            raise file_error(
                Path(segment.file),
                f"ends at {whole:.1f} s, before {segment.start:.1f} s, where a track should begin",
                "correct its CUE sheet",
            )
        self._source, self._first = source, round(segment.start * sr)
        self.info = source.info._replace(duration=(round(end * sr) - self._first) / sr)

    @property
    def note(self) -> str:
        """Defect of the samples that were read; else empty."""
        return self._source.note

    def align(self) -> bool:
        """See `Source.align`."""
        return self._source.align()

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """See `Source.read`."""
        return self._source.read([self._first + start for start in starts], n)
