"""Decoding of clips: from a file of any format to mono samples at one sampling rate.

libsndfile reads what it can and PyAV (FFmpeg's libraries) the rest. Only the clip is decoded, in
blocks, so that an hour of six channels takes no more memory than the clip.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec.audio.backends import open_source
from audiorec.audio.config import MelConfig
from audiorec.audio.cut_and_resample import resample
from audiorec.audio.nonsilent import sounding_starts
from audiorec.audio.source import AudioInfo, Source, file_error

MIN_SECONDS = 1.0
SILENCE = 1e-5  # peak amplitude, full scale is 1
LOUDEST = 1e6  # more than integers mistaken for floats reach: not a recording
# A recording may end this much before its header claims: encoders pad, taggers cut.
SLACK_SECONDS = 0.5


class DecodedClips(NamedTuple):
    """A recording's header and its clips at their own sampling rate.

    Attributes
    ----------
    info : AudioInfo
    clips : list of np.ndarray [shape=(n,)], float32
        Mono, at ``info.sr``.
    starts : list of float
        Start of each clip, s.
    note : str
        Defect of a file that can be decoded all the same; else empty.
    """

    info: AudioInfo
    clips: list[np.ndarray]
    starts: list[float]
    note: str = ""


def probe(path: Path) -> AudioInfo:
    """Read duration, sampling rate, channels and format from a file's header, without decoding.

    Raises
    ------
    AudioError
        If the file cannot be opened or is not audio.
    """
    with open_source(Path(path)) as source:
        return source.info


def load_clips(path: Path, *, config: MelConfig) -> list[np.ndarray]:
    """Decode the clips of a recording that `config` chooses.

    Parameters
    ----------
    path : Path
        A file in any format that libsndfile or FFmpeg's libraries read, whatever its suffix.
    config : MelConfig
        Position of the clips, and their sampling rate.

    Returns
    -------
    clips : list of np.ndarray [shape=(n,)], float32
        Mono at ``config.sr``, each of at most ``config.n_samples``; a short recording gives one
        clip of what it has.

    Raises
    ------
    AudioError
        If there is nothing to decode: not audio, cut off, silent, shorter than a second, ...
    """
    return resampled(decode_clips(path, config=config), config=config)


def resampled(decoded: DecodedClips, *, config: MelConfig) -> list[np.ndarray]:
    """Clips at ``config.sr``, each of at most ``config.n_samples``."""
    sr, n = decoded.info.sr, config.n_samples
    return [resample(y, sr=sr, target_sr=config.sr, n=n) for y in decoded.clips]


def decode_clips(path: Path, *, config: MelConfig) -> DecodedClips:
    """As `load_clips`, at the recording's own sampling rate and with its header."""
    path = Path(path)
    with open_source(path) as source:
        info = source.info
        total = round(info.duration * info.sr)
        if info.duration < MIN_SECONDS:
            raise file_error(
                path,
                f"lasts {info.duration:.2f} s, and at least {MIN_SECONDS:g} s is needed",
                "leave it out, or give a longer recording",
            )
        n = min(total, round(config.clip_seconds * info.sr))
        starts = clip_starts(total, n=n, config=config)
        clips = _read_aligned(source, starts, n)
        moved = sounding_starts(source, starts, clips, n=n)
        if source.align():  # channels cancel where there is sound
            moved = sounding_starts(source, starts, clips, n=n)
        if moved != starts:
            clips = _read_aligned(source, moved, n)
        note = source.note
    for y in clips:
        _check_clip(path, y, n=n, sr=info.sr)
    seconds = [start / info.sr for start in moved]
    return DecodedClips(info, clips, seconds, f"{path} {note}" if note else "")


def clip_starts(total: int, *, n: int, config: MelConfig) -> list[int]:
    """First sample of every clip, ascending and without repeats.

    Parameters
    ----------
    total : int
        Samples in the recording.
    n : int
        Samples in a clip, at most `total`.
    config : MelConfig

    Examples
    --------
    >>> clip_starts(900, n=300, config=MelConfig(n_clips=3))
    [0, 300, 600]
    """
    room = total - n
    count = config.n_clips
    starts = [round(total * (i + 0.5) / count - n / 2) for i in range(count)]
    return sorted({min(max(start, 0), room) for start in starts})


def clip_hash(y: np.ndarray) -> str:
    """Identity of a decoded clip, whatever the file's name and tags.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)], float32

    Returns
    -------
    digest : str
        32 hexadecimal digits of the samples rounded to 16 bits.
    """
    scaled = np.clip(y, -1.0, 1.0)
    scaled *= np.float32(32767.0)
    pcm = np.rint(scaled, out=scaled).astype("<i2")
    return hashlib.blake2b(pcm.data, digest_size=16).hexdigest()


def _read_aligned(source: Source, starts: Sequence[int], n: int) -> list[np.ndarray]:
    """Read clips, once more if their channels turn out to cancel out."""
    clips = source.read(starts, n)
    return source.read(starts, n) if source.align() else clips


def _check_clip(path: Path, y: np.ndarray, *, n: int, sr: int) -> None:
    if len(y) < n - SLACK_SECONDS * sr or len(y) < MIN_SECONDS * sr * 0.9:
        raise file_error(
            path,
            f"is cut off: {len(y) / sr:.1f} s of a clip of {n / sr:.1f} s are there",
            "copy it again",
        )
    # Both NaN and infinity show in the extremes, so that no second pass is needed.
    high, low = float(y.max()), float(y.min())
    peak = max(high, -low)
    if not math.isfinite(high - low):
        raise file_error(path, "holds samples that are NaN or infinite", "encode it again")
    if peak > LOUDEST:
        raise file_error(path, f"holds samples as large as {peak:.1e}", "encode it again")
    if peak < SILENCE:
        what = "is silent (all samples are 0)" if not peak else f"is silent (peak {peak:.0e} of 1)"
        raise file_error(path, what, "leave it out, or record it again")
