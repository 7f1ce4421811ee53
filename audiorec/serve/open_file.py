"""Opening of audio files, only of catalogued tracks."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from audiorec.data import file_of
from audiorec.data.catalog import Track


def open_audio(track: Track) -> BinaryIO:
    """Open a track's regular file; `OSError` if there is none."""
    if not os.path.isabs(track.path) or track.path == track.track_id:  # noqa: PTH117 - as stored
        raise FileNotFoundError(track.path)  # a track without a file
    handle = os.open(file_of(track.path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(track.path)
    return os.fdopen(handle, "rb", buffering=0)
