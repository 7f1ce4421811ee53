"""Sounds and files of every format, made on the spot."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

AV_CODECS = {
    ".mp3": ("libmp3lame", None),
    ".m4a": ("aac", None),
    ".aac": ("aac", "adts"),
    ".wma": ("wmav2", None),
    ".opus": ("libopus", "ogg"),
}


@pytest.fixture
def link_unreadable() -> Callable[[Path], None]:
    """Puts a file in a place that opens and cannot be read, as one on a broken disk."""
    source = Path("/proc/self/mem")
    if not source.exists():
        pytest.skip("no /proc/self/mem, which opens and cannot be read: that is Linux's")
    return lambda place: place.symlink_to(source)


@pytest.fixture
def full_disk() -> Callable[[], AbstractContextManager[None]]:
    """``with full_disk():`` no file of this process can grow."""
    return _no_room


@contextmanager
def _no_room() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def _tune(seconds: float, sr: int = 44100, channels: int = 2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n = int(seconds * sr)
    t = np.arange(sr) / sr
    y = 0.02 * rng.standard_normal(n)
    for start in range(0, n, sr // 4):
        m = min(n - start, sr)
        pitch = 110 * 2 ** (rng.integers(0, 36) / 12)
        decay = np.exp(-t[:m] * rng.uniform(2, 8))
        y[start : start + m] += (
            0.2 * rng.uniform(0.2, 1) * np.sin(2 * np.pi * pitch * t[:m]) * decay
        )
    gains = 1 - 0.1 * np.arange(channels)
    return (y[:, None] * gains).astype(np.float32)


def _write_by_av(path: Path, y: np.ndarray, sr: int, suffix: str, bit_rate: int) -> None:
    codec, form = AV_CODECS[suffix]
    layout = {1: "mono", 2: "stereo"}[y.shape[1]]
    with av.open(
        str(path), "w", format=form or {".mp3": "mp3", ".m4a": "ipod", ".wma": "asf"}[suffix]
    ) as out:
        stream = out.add_stream(codec, rate=sr, layout=layout)
        stream.bit_rate = bit_rate
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=sr)
        for start in range(0, len(y), 4096):
            block = np.ascontiguousarray(y[start : start + 4096].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = sr, start
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))


def _write(
    path: Path,
    y: np.ndarray,
    *,
    sr: int = 44100,
    suffix: str | None = None,
    bit_rate: int = 128_000,
    subtype: str | None = None,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = suffix or path.suffix
    y = y if y.ndim == 2 else y[:, None]
    if suffix in AV_CODECS:
        _write_by_av(path, y, sr, suffix, bit_rate)
        return path
    form = {".ogg": "OGG", ".wav": "WAV", ".flac": "FLAC", ".aiff": "AIFF"}[suffix]
    with soundfile.SoundFile(path, "w", sr, y.shape[1], format=form, subtype=subtype) as out:
        for start in range(0, len(y), 1 << 16):  # one long write of Vorbis crashes libsndfile
            out.write(y[start : start + (1 << 16)])
    return path


@pytest.fixture(scope="session")
def tune() -> Callable[..., np.ndarray]:
    """``tune(seconds, sr=44100, channels=2, seed=0)``: notes over faint noise, [n, channels]."""
    return _tune


@pytest.fixture(scope="session")
def write_audio() -> Callable[..., Path]:
    """``write_audio(path, y, sr=..., suffix=...)``: encode in the format of the suffix."""
    return _write
