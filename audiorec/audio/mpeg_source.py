"""Samples of MPEG audio (MP1, MP2, MP3), decoded by its list of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from audiorec.audio.channel_mix import ChannelMix
from audiorec.audio.cut_and_resample import cut, resample
from audiorec.audio.mpeg_frames import HEADER, SIZES, FrameRun, Frames
from audiorec.audio.source import DAMAGED_FRAMES, AudioInfo, Bytes

PREROLL_FRAMES = 24  # decoded before a clip and dropped: the bit reservoir reaches back 9 at most


class MpegSource:
    """A recording whose frames are all known, decoded frame by frame by FFmpeg.

    Parts of several sampling rates are resampled to that of the longest.

    Parameters
    ----------
    data : bytes-like
        The file.
    frames : Frames
        Of it; at least one.
    """

    def __init__(self, data: Bytes, frames: Frames) -> None:
        self._data, self._frames = data, frames
        main = max(frames.runs, key=lambda run: run.seconds)
        form = f"mp{main.kind.layer}"
        self.info = AudioInfo(frames.seconds, main.kind.sr, main.channels, form)
        self.mix = ChannelMix()
        self.note = ""

    def align(self) -> bool:
        """See `audiorec.audio.source.Source`."""
        return self.mix.align()

    def read(self, starts: Sequence[int], n: int) -> list[np.ndarray]:
        """See `audiorec.audio.source.Source`."""
        return [cut(self._blocks(start, start + n), [start], n)[0] for start in starts]

    def _blocks(self, start: int, stop: int) -> Iterator[tuple[int, np.ndarray]]:
        """Position and samples from `start` or earlier to `stop` or later."""
        at = 0.0  # seconds
        for run in self._frames.runs:
            begin, end = start / self.info.sr - at, stop / self.info.sr - at
            if begin < run.seconds and end > 0:
                first = max(0, int(begin * run.kind.sr / run.kind.samples))
                last = min(len(run.starts), 2 + int(end * run.kind.sr / run.kind.samples))
                y = self._decode(run, first, last)
                position = at + first * run.kind.samples / run.kind.sr
                yield (
                    round(position * self.info.sr),
                    resample(y, sr=run.kind.sr, target_sr=self.info.sr),
                )
            at += run.seconds

    def _decode(self, run: FrameRun, first: int, last: int) -> np.ndarray:
        """Samples [shape=(n,)] of frames, silent where they cannot be decoded."""
        import av  # here: FFmpeg's libraries, needed for few files

        name = f"mp{run.kind.layer}float"
        context: Any = av.CodecContext.create(name, "r")
        y = np.zeros((last - first) * run.kind.samples, dtype=np.float32)
        for number in range(max(0, first - PREROLL_FRAMES), last):
            start = run.starts[number]
            size = SIZES[HEADER(self._data, start)[0] >> 8]
            try:
                decoded = context.decode(av.Packet(self._data[start : start + size]))
            except av.error.FFmpegError:
                if number >= first:
                    self.note = DAMAGED_FRAMES
                continue
            at = (number - first) * run.kind.samples
            for frame in decoded:
                block = np.atleast_2d(frame.to_ndarray()).T
                if at >= 0 and len(block) <= len(y) - at and frame.format.name == "fltp":
                    self.mix(block, out=y[at : at + len(block)])
        return y
