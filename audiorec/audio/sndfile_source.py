"""Recordings read by libsndfile, whose seeks are exact to the sample, in MP3 too."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import soundfile

from audiorec.audio.channel_mix import ChannelMix
from audiorec.audio.source import BLOCK_VALUES, AudioInfo, DamagedError, checked
from audiorec.printable_text import one_line


class SequentialFile(soundfile.SoundFile):
    """A `soundfile.SoundFile` without a seek between one read and the next.

    python-soundfile seeks to its own position after every read, so that a file can be read and
    written in turn; in MP3 that restarts the decoder, some tenth of a millisecond each time.
    """

    _moving = False

    def seekable(self) -> bool:
        """Whether the file can seek; False within `sequential`."""
        return not self._moving and super().seekable()

    @contextmanager
    def sequential(self) -> Iterator[None]:
        """Read sequentially in this block, without seeks."""
        self._moving = True
        try:
            yield
        finally:
            self._moving = False


class _SilentStandardError:
    """Keep C code from writing to standard error.

    mpg123 warns there of files that are shorter than they claim, which are detected and reported
    here, and of frames before the target of a seek, decoded to fill its bit reservoir and dropped:
    the samples that it returns are right.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._saved: int | None = None

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._saved = os.dup(2)
        except OSError:  # a process without standard error
            self._saved = None
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def __exit__(self, *error: object) -> None:
        if self._saved is not None:
            os.dup2(self._saved, 2)
            os.close(self._saved)
        self._lock.release()


QUIET = _SilentStandardError()


class SndfileSource:
    """An open `SequentialFile` as a source.

    Parameters
    ----------
    path : Path
        Name of the recording in messages.
    file : SequentialFile
    """

    def __init__(self, path: Path, file: SequentialFile) -> None:
        self._path, self._file = path, file
        name = "opus" if file.subtype == "OPUS" else file.format.lower()
        info = AudioInfo(file.frames / file.samplerate, file.samplerate, file.channels, name)
        self.info = checked(path, info)
        self.mix = ChannelMix()
        self.note = ""

    def align(self) -> bool:
        """See `audiorec.audio.source.Source`."""
        return self.mix.align()

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """See `audiorec.audio.source.Source`."""
        return [self._read(start, n) for start in starts]

    def _read(self, start: int, n: int) -> np.ndarray:
        with QUIET if self.info.format == "mp3" else nullcontext():
            return self._read_blocks(start, n)

    def _read_blocks(self, start: int, n: int) -> np.ndarray:
        y = np.empty(n, dtype=np.float32)
        block = np.empty((max(1, BLOCK_VALUES // self.info.channels), self.info.channels), "f4")
        done = 0
        try:
            if self._file.tell() != start:  # a seek to its own position would restart the decoder
                self._file.seek(start)
            with self._file.sequential():
                while done < n:
                    part = self._file.read(out=block[: min(len(block), n - done)])
                    if not len(part):
                        break
                    self.mix(part, out=y[done : done + len(part)])
                    done += len(part)
        except soundfile.SoundFileError as error:
            at = (start + done) / self.info.sr
            raise DamagedError(
                one_line(f"{self._path} is damaged at {at:.1f} s ({error}); copy it again")
            ) from None
        return y[:done]
