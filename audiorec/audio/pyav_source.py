"""Recordings read by FFmpeg's libraries: AAC, WMA, ALAC and many others."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from audiorec.audio.channel_mix import ChannelMix
from audiorec.audio.cut_and_resample import cut
from audiorec.audio.integrity import check_adts
from audiorec.audio.source import DAMAGED_FRAMES, AudioInfo, Source, checked, file_error
from audiorec.audio.substream import Substream

# Imports in functions: files that libsndfile reads do not wait for PyAV.

# Containers with positions of their parts: a gap this long between two means a loss.
PLACED = {"ogg", "flac", "matroska"}
GAP_SECONDS = 0.05
PREROLL_SECONDS = 0.5  # decoded before a clip and dropped, until the decoder has settled
# Containers whose time stamps after a seek are guesses from the bit rate (in WAV those of codecs
# other than PCM): read from the start.
UNINDEXED = {"aac", "mp3", "ac3", "eac3", "dts", "mlp", "truehd", "wav"}
COUNTED = {*UNINDEXED, "asf"}  # their length may be a guess too
# Demuxers of audio alone: no playlists (they open other files), no pictures, no text.
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,asf,asf_o,aac,mp3,ogg,flac,wav,w64,aiff,caf,au,matroska,webm,"
    "matroska,webm,ape,wv,tta,tak,mpc,mpc8,ac3,eac3,dts,dtshd,iff,amr,dsf,avi,mpeg,mpegts,rm,"
    "xwma,oma,mlp,truehd,shn"
)


class _Bytes:
    """A file for FFmpeg that ignores seeks to invalid positions, as torn headers cause them.

    PyAV would print their exception, traceback and all, and continue.
    """

    def __init__(self, stream: BinaryIO | Substream) -> None:
        self._stream = stream
        self.read, self.tell = stream.read, stream.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._stream.seek(offset, whence)
        except (OSError, OverflowError, ValueError):
            return -errno.EINVAL


@contextmanager
def open_by_ffmpeg(path: Path, stream: BinaryIO | Substream) -> Iterator[Source]:
    """Open a recording by PyAV.

    Parameters
    ----------
    path : Path
        Name of the recording in messages.
    stream : BinaryIO or Substream
        At its start.

    Raises
    ------
    AudioError
        If it is not audio.
    """
    import av

    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        with av.open(
            _Bytes(stream), "r", container_options=options, metadata_errors="replace"
        ) as opened:
            yield _FfmpegSource(path, opened)
    except (av.error.FFmpegError, UnicodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise file_error(
            path, f"cannot be decoded ({reason.lower()})", "convert it, or remove it if not audio"
        ) from None


class _FfmpegSource:
    def __init__(self, path: Path, container: Any) -> None:
        self._path, self._container = path, container
        streams = container.streams.audio
        if not streams:
            raise file_error(path, "holds no sound", "name an audio file")
        # Of several streams, the one that the file marks as its default.
        self._stream = next((s for s in streams if _is_default(s)), streams[0])
        name = container.format.name.split(",")[0]
        self._is_placed = name in PLACED
        self._indexed = name not in UNINDEXED and bool(self._stream.duration)
        self._is_counted = name in COUNTED or not self._stream.duration
        context = self._stream.codec_context  # None for a codec unknown to FFmpeg
        duration = self._duration() if context is not None else 0.0
        form = {"mov": "m4a", "asf": "wma", "matroska": "mka"}.get(name, name)
        if duration <= 0 or not context.sample_rate or not context.channels:
            raise file_error(path, "holds no sound that can be decoded", "convert it")
        self.info = checked(
            path, AudioInfo(float(duration), context.sample_rate, context.channels, form)
        )
        self.mix = ChannelMix()
        self.note = ""

    def _duration(self) -> float:
        """Seconds; those of all packets, not decoded, where no header has them.

        The length of each packet is rounded, in Matroska to ms: the end of the last is more exact.
        """
        stream = self._stream
        if not self._is_counted:
            return float(stream.duration * stream.time_base)
        if stream.time_base is None:
            return 0.0
        ticks, end, origin, last = 0, 0, stream.start_time or 0, None
        for packet in self._container.demux(stream):
            ticks += packet.duration or 0
            if packet.pts is not None:
                end = max(end, packet.pts - origin + (packet.duration or 0))
            if packet.size and self._container.format.name == "aac":
                last = packet
        if last is not None:
            check_adts(self._path, bytes(last))
        return float(max(ticks, end) * stream.time_base)

    def align(self) -> bool:
        """See `audiorec.audio.source.Source`."""
        return self.mix.align()

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """See `audiorec.audio.source.Source`."""
        if not self._indexed:
            return cut(self._mono_frames(0), starts, n)
        return [clip for start in starts for clip in cut(self._mono_frames(start), [start], n)]

    def _mono_frames(self, start: int) -> Iterator[tuple[int, np.ndarray]]:
        """Position and samples of every frame from shortly before `start` to the end."""
        import av

        sr, stream = self.info.sr, self._stream
        origin = stream.start_time or 0
        if self._indexed:
            seconds = max(0.0, start / sr - PREROLL_SECONDS)
            self._container.seek(int(seconds / stream.time_base) + origin, stream=stream)
        else:
            self._container.seek(0)
        resampler = av.AudioResampler(format="fltp", rate=sr)
        # Reliable time stamps give the position of the samples after a gap.
        position: int | None = None if self._indexed else 0
        for packet in self._container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                self.note = DAMAGED_FRAMES
                if self._indexed:
                    position = None
                else:
                    position = (position or 0) + round(packet.duration * stream.time_base * sr)
                continue
            for frame in frames:
                if position is None or self._is_placed:
                    ticks = (frame.pts or 0) - origin
                    told = round(ticks * (frame.time_base or stream.time_base) * sr)
                    if position is None or told > position + GAP_SECONDS * sr:
                        position = told
                for part in resampler.resample(frame):
                    block = part.to_ndarray()
                    y = np.empty(block.shape[1], dtype=np.float32)
                    self.mix(block.T, out=y)
                    yield position, y
                    position += len(y)


def _is_default(stream: Any) -> bool:
    return bool(stream.disposition & type(stream.disposition).default)
