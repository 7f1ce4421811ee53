"""A file of libsndfile's formats that is read onwards from one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import soundfile


class OnwardFile(soundfile.SoundFile):
    """A `soundfile.SoundFile` that need not seek between one read and the next.

    python-soundfile seeks after every read to where it is anyway, so that a file can be read and
    written in turn; in MP3 that starts the decoder anew, some tenth of a millisecond each time.
    """

    _moving = False

    def seekable(self) -> bool:
        """Whether it can seek; not while it moves `onwards`."""
        return not self._moving and super().seekable()

    @contextmanager
    def onwards(self) -> Iterator[None]:
        """Read on and on in this block, without a seek."""
        self._moving = True
        try:
            yield
        finally:
            self._moving = False
