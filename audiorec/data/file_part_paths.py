"""Paths of parts of files, such as the tracks of a CUE sheet: they end in the times.

``/music/album.flac#t=210.500,421.960`` is from 210.5 s to 421.96 s of ``/music/album.flac``, in the
notation of W3C Media Fragments; without a second time it extends to the end.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SEGMENT = re.compile(r"(.+)#t=(\d+\.\d{3}),(\d+\.\d{3})?", re.DOTALL)


class FilePart(NamedTuple):
    """A part of a file.

    Attributes
    ----------
    file : str
        Path of the file.
    start : float
        Seconds.
    end : float or None
        Seconds; None is the end of the file.
    """

    file: str
    start: float
    end: float | None

    @property
    def path(self) -> str:
        """Path with times, as in the catalogue."""
        end = "" if self.end is None else f"{self.end:.3f}"
        return f"{self.file}#t={self.start:.3f},{end}"


def segment_of(path: str) -> FilePart | None:
    """Parse the part of a file in a path; None where it is that of a whole file."""
    found = _SEGMENT.fullmatch(path)
    if found is None:
        return None
    file, start, end = found.groups()
    return FilePart(file, float(start), float(end) if end else None)


def file_of(path: str) -> str:
    """Path of the file itself, without times."""
    segment = segment_of(path) if "#t=" in path else None
    return path if segment is None else segment.file
