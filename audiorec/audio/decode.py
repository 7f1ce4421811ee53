"""Open a file of any audio format, seek in it, and read its samples as mono.

What a file is, its content says: its suffix is never asked.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol

import numpy as np

from audiorec.audio.integrity import check_adts, check_container, check_sndfile
from audiorec.exceptions import AudioError
from audiorec.workers import one_line

if TYPE_CHECKING:
    from audiorec.audio.sequential_reader import OnwardFile

SAMPLING_RATES = (1_000, 1_000_000)  # Hz, what any recording could have
BLOCK_VALUES = 1 << 19  # samples times channels decoded at once: 2 MB
PREROLL_SECONDS = 0.5  # decoded before a clip and dropped, so that the decoder has settled
# Containers whose time stamps after a seek are guesses from the bit rate: read from the start.
UNINDEXED = {"aac", "mp3", "ac3", "eac3", "dts"}
# Demuxers of recordings alone: no playlists (they open other files), no pictures, no text.
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,asf,asf_o,aac,mp3,ogg,flac,wav,w64,aiff,caf,au,matroska,webm,"
    "matroska,webm,ape,wv,tta,tak,mpc,mpc8,ac3,eac3,dts,amr,dsf,avi,mpeg,mpegts,rm,xwma,oma"
)


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
    """An open recording."""

    info: AudioInfo

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """Read `n` samples from each of the ascending `starts`.

        Returns
        -------
        clips : list of np.ndarray [shape=(n,)], float32
            The mean of the channels; shorter where the file is cut off.
        """


def file_error(path: Path, what: str, remedy: str) -> AudioError:
    """One line that names the file, what is wrong with it, and what to do."""
    return AudioError(one_line(f"{path} {what}; {remedy}"))


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a recording by libsndfile, else by PyAV.

    Raises
    ------
    AudioError
        If it cannot be opened, is not a regular file, is empty or not audio.
    """
    import soundfile

    from audiorec.audio.sequential_reader import OnwardFile

    with _opened(path) as stream:
        try:
            # By descriptor: no race with the checks above, and no name that could mislead.
            with _QUIET:
                opened: OnwardFile | None = OnwardFile(stream.fileno(), closefd=False)
        except (soundfile.SoundFileError, TypeError, ValueError):
            opened = None
        if opened is not None and 0 < opened.frames < 2**62:
            with opened:
                yield _SndfileSource(path, opened)
            return
        check_container(path, stream)
        stream.seek(0)
        with _opened_by_av(path, stream) as source:
            yield source


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe or a device must not be waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise file_error(path, f"cannot be opened: {reason}", _remedy(error)) from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise file_error(path, "is a directory", "name an audio file")
        if not stat.S_ISREG(status.st_mode):
            raise file_error(path, "is a pipe or a device", "name an audio file")
        if status.st_size == 0:
            raise file_error(path, "is empty (0 bytes)", "copy it again")
        with open(descriptor, "rb", buffering=0, closefd=False) as stream:
            yield stream  # type: ignore[misc]
    finally:
        os.close(descriptor)


def _remedy(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "give yourself permission to read it"
    if isinstance(error, FileNotFoundError):
        return "check the path"
    return "check the file and its links"


def _checked(path: Path, info: AudioInfo) -> AudioInfo:
    low, high = SAMPLING_RATES
    if not low <= info.sr <= high:
        raise file_error(
            path, f"claims a sampling rate of {info.sr} Hz", f"{low} to {high} Hz are possible"
        )
    return info


def _mono(block: np.ndarray, *, out: np.ndarray) -> None:
    """Mean of the channels of a block [shape=(n, channels)], without BLAS and its threads."""
    channels = block.shape[1]
    if channels == 1:
        out[:] = block[:, 0]
        return
    np.add(block[:, 0], block[:, 1], out=out)
    for channel in range(2, channels):
        out += block[:, channel]
    out *= np.float32(1 / channels)


class _Quiet:
    """Keep C code from writing to standard error meanwhile.

    mpg123 grumbles there about files that are shorter than they say, which is found and told of
    here, and about frames before the target of a seek, decoded to fill its bit reservoir and
    dropped: the samples that it returns are right.
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


_QUIET = _Quiet()


class _SndfileSource:
    """A recording that libsndfile reads. Its seeks are exact to the sample, in MP3 too."""

    def __init__(self, path: Path, file: OnwardFile) -> None:
        self._path, self._file = path, file
        name = "opus" if file.subtype == "OPUS" else file.format.lower()
        info = AudioInfo(file.frames / file.samplerate, file.samplerate, file.channels, name)
        self.info = _checked(path, info)
        with _QUIET:
            check_sndfile(path, file)

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        return [self._read(start, n) for start in starts]

    def _read(self, start: int, n: int) -> np.ndarray:
        with _QUIET if self.info.format == "mp3" else nullcontext():
            return self._read_blocks(start, n)

    def _read_blocks(self, start: int, n: int) -> np.ndarray:
        import soundfile

        y = np.empty(n, dtype=np.float32)
        block = np.empty((max(1, BLOCK_VALUES // self.info.channels), self.info.channels), "f4")
        done = 0
        try:
            if self._file.tell() != start:  # a seek to where it is would start the decoder anew
                self._file.seek(start)
            with self._file.onwards():
                while done < n:
                    part = self._file.read(out=block[: min(len(block), n - done)])
                    if not len(part):
                        break
                    _mono(part, out=y[done : done + len(part)])
                    done += len(part)
        except soundfile.SoundFileError as error:
            at = (start + done) / self.info.sr
            raise file_error(
                self._path, f"is damaged at {at:.1f} s ({error})", "copy it again"
            ) from None
        return y[:done]


class _Bytes:
    """A file as FFmpeg asks for it: to seek to nowhere, as torn headers have it, is no exception.

    PyAV would print it, traceback and all, and go on.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read, self.tell = stream.read, stream.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._stream.seek(offset, whence)
        except (OSError, OverflowError, ValueError):
            return -errno.EINVAL


@contextmanager
def _opened_by_av(path: Path, stream: BinaryIO) -> Iterator[Source]:
    import av

    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        with av.open(
            _Bytes(stream), "r", container_options=options, metadata_errors="replace"
        ) as opened:
            yield _AvSource(path, opened)
    except (av.error.FFmpegError, UnicodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise file_error(
            path, f"cannot be decoded ({reason.lower()})", "convert it, or remove it if not audio"
        ) from None


class _AvSource:
    """A recording that FFmpeg's libraries read: AAC, WMA, ALAC and whatever else they know."""

    def __init__(self, path: Path, container: Any) -> None:
        self._path, self._container = path, container
        if not container.streams.audio:
            raise file_error(path, "holds no sound", "name an audio file")
        self._stream = container.streams.audio[0]
        name = container.format.name.split(",")[0]
        self._indexed = name not in UNINDEXED and self._stream.duration is not None
        context = self._stream.codec_context  # None for a codec that FFmpeg does not know
        duration = self._duration() if context is not None else 0.0
        form = {"mov": "m4a", "asf": "wma", "matroska": "mka"}.get(name, name)
        if duration <= 0 or not context.sample_rate or not context.channels:
            raise file_error(path, "holds no sound that can be decoded", "convert it")
        self.info = _checked(
            path, AudioInfo(float(duration), context.sample_rate, context.channels, form)
        )

    def _duration(self) -> float:
        """Seconds; counted packet by packet, without decoding, where no header says."""
        stream = self._stream
        if self._indexed:
            return float(stream.duration * stream.time_base)
        if stream.time_base is None:
            return 0.0
        ticks, last = 0, None
        for packet in self._container.demux(stream):
            ticks += packet.duration or 0
            if packet.size and self._container.format.name == "aac":
                last = packet
        if last is not None:
            check_adts(self._path, bytes(last))
        self._container.seek(0)
        return float(ticks * stream.time_base)

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        if not self._indexed:
            return _cut(self._mono_frames(0), starts, n)
        return [clip for start in starts for clip in _cut(self._mono_frames(start), [start], n)]

    def _mono_frames(self, start: int) -> Iterator[tuple[int, np.ndarray]]:
        """Position and samples of every frame from shortly before `start` to the end."""
        import av

        sr, stream = self.info.sr, self._stream
        origin = stream.start_time or 0
        if self._indexed:
            seconds = max(0.0, start / sr - PREROLL_SECONDS)
            self._container.seek(int(seconds / stream.time_base) + origin, stream=stream)
        resampler = av.AudioResampler(format="fltp", rate=sr)
        position: int | None = None
        for frame in self._container.decode(stream):
            if position is None:
                ticks = (frame.pts or 0) - origin if self._indexed else 0
                position = round(ticks * (frame.time_base or stream.time_base) * sr)
            for part in resampler.resample(frame):
                block = part.to_ndarray()
                y = np.empty(block.shape[1], dtype=np.float32)
                _mono(block.T, out=y)
                yield position, y
                position += len(y)


def _cut(
    frames: Iterable[tuple[int, np.ndarray]], starts: Sequence[int], n: int
) -> list[np.ndarray]:
    """Cut clips of `n` samples out of consecutive frames; stop when the last clip is whole."""
    clips = [np.zeros(n, dtype=np.float32) for _ in starts]
    filled = [0] * len(starts)
    for position, y in frames:
        for clip, (i, start) in zip(clips, enumerate(starts), strict=True):
            low, high = max(position, start), min(position + len(y), start + n)
            if low < high:
                clip[low - start : high - start] = y[low - position : high - position]
                filled[i] = high - start
        if position + len(y) >= starts[-1] + n:
            break
    return [clip[:end] for clip, end in zip(clips, filled, strict=True)]
