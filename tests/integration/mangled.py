"""Recordings as they come from other programs: whole, but not as their headers say."""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from audiorec.audio.mpeg_frames import SIZES, find_frames, length_tag

SR, SECONDS = 22_050, 48
FIRST_HZ, HZ_PER_SECOND = 400.0, 20.0  # a tone whose pitch tells the time
LOSSY = {"mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")}
LOSSLESS = {"flac": ("FLAC", "PCM_16"), "wav": ("WAV", "PCM_16"), "aiff": ("AIFF", "PCM_16")}
FORMATS = {**LOSSY, **LOSSLESS}


class Mangled(NamedTuple):
    """A file's content, and what must be heard in it.

    Attributes
    ----------
    content : bytes
    suffix : str
    seconds : float
        How long it lasts.
    sounds : sequence of (float, float)
        Stretches of it, in seconds of the tone, one of which the clip must come from; empty for
        the middle.
    lost : float
        Seconds that were overwritten in a format whose frames do not say where they belong, so that
        what follows may come so much too early.
    """

    content: bytes
    suffix: str
    seconds: float
    sounds: Sequence[tuple[float, float]] = ()
    lost: float = 0.0


def tone(start: float, stop: float, sr: int = SR) -> np.ndarray:
    """The tone from one second to another, with some noise [shape=(n,)], float32."""
    t = np.arange(int(start * sr), int(stop * sr)) / sr
    y = 0.3 * np.sin(2 * np.pi * (FIRST_HZ * t + HZ_PER_SECOND * t * t / 2))
    noise = np.random.default_rng(7).normal(0, 0.02, len(t))
    return (y + noise * (1 + np.sin(t))).astype(np.float32)


def encode(y: np.ndarray, form: str, sr: int = SR, mode: str | None = None) -> bytes:
    """Samples [shape=(n,) or (n, 2)] as a file of one of `FORMATS`."""
    out = BytesIO()
    name, subtype = FORMATS[form]
    kept = {"bitrate_mode": mode, "compression_level": 0.5} if mode else {}
    soundfile.write(out, y, 24_000 if form == "opus" else sr, format=name, subtype=subtype, **kept)
    return out.getvalue()


@cache
def whole(form: str, mode: str | None = None) -> bytes:
    """The whole tone in a format."""
    sr = 24_000 if form == "opus" else SR
    return encode(tone(0, SECONDS, sr), form, sr, mode)


def without_tag(content: bytes) -> bytes:
    """An MP3 less the frame that says its length."""
    tag = length_tag(content)
    assert tag is not None
    (head,) = struct.unpack_from(">I", content, tag.start)
    return content[tag.start + SIZES[head >> 8] :]


def untagged(rng: np.random.Generator) -> Mangled:
    """An MP3 that does not say its length."""
    content = without_tag(whole("mp3", str(rng.choice(["VARIABLE", "AVERAGE", "CONSTANT"]))))
    return Mangled(content, ".mp3", SECONDS)


def mistagged(rng: np.random.Generator) -> Mangled:
    """An MP3 that says a wrong number of frames, or of bytes, or both."""
    content = bytearray(whole("mp3", str(rng.choice(["VARIABLE", "CONSTANT"]))))
    tag = length_tag(bytes(content))
    assert tag is not None
    at = min(place for name in (b"Xing", b"Info") if (place := content.find(name)) > 0)
    for field in ([8], [12], [8, 12])[rng.integers(3)]:
        (value,) = struct.unpack_from(">I", content, at + field)
        struct.pack_into(">I", content, at + field, int(value * rng.uniform(0.2, 3)))
    return Mangled(bytes(content), ".mp3", SECONDS)


def tagged_in_front(rng: np.random.Generator) -> Mangled:
    """An ID3v2 tag with a cover in front of what is no MP3."""
    form = str(rng.choice(["flac", "ogg", "opus", "wav", "aiff"]))
    size = int(2 ** rng.uniform(10, 19))
    length = bytes(size >> 7 * place & 0x7F for place in (3, 2, 1, 0))
    head = b"ID3\x03\0\0" + length + rng.bytes(size)
    return Mangled(head + whole(form), f".{form}", SECONDS)


def flipped(rng: np.random.Generator) -> Mangled:
    """One channel's polarity flipped, the channels alike or not quite."""
    form = str(rng.choice(["mp3", "ogg", "flac", "wav"]))
    y = tone(0, SECONDS)
    other = y + rng.choice([0.0, 0.05]) * rng.standard_normal(len(y)).astype(np.float32)
    return Mangled(encode(np.stack([y, -other], axis=1), form), f".{form}", SECONDS)


def silent_within(rng: np.random.Generator) -> Mangled:
    """Silence, or noise of -80 dB, from before the clip until behind it."""
    form = str(rng.choice(["mp3", "ogg", "flac", "wav"]))
    begin, end = rng.uniform(10, 18), rng.uniform(30, 36)
    y = tone(0, SECONDS)
    gap = slice(int(begin * SR), int(end * SR))
    y[gap] = rng.choice([0.0, 1e-4]) * rng.standard_normal(gap.stop - gap.start)
    return Mangled(encode(y, form), f".{form}", SECONDS, [(0, begin), (end, SECONDS)])


def damaged(rng: np.random.Generator) -> Mangled:
    """Some bytes overwritten: 2 to 4 kB of an MP3, 64 of the others."""
    form = str(rng.choice(["mp3", "flac", "ogg", "opus"]))
    content = bytearray(whole(form, "VARIABLE" if form == "mp3" else None))
    size = int(rng.integers(2000, 4000)) if form == "mp3" else 64
    at = int(rng.uniform(0.3, 0.7) * len(content))
    lost = frames_within(bytes(content), at, at + size) if form == "mp3" else 0.0
    content[at : at + size] = rng.bytes(size)
    return Mangled(bytes(content), f".{form}", SECONDS, lost=lost)


def frames_within(content: bytes, start: int, stop: int) -> float:
    """Seconds of the frames of an MP3 that lie in a stretch of it, wholly or in part."""
    (run,) = find_frames(content).runs
    first, last = bisect_right(run.starts, start) - 1, bisect_left(run.starts, stop)
    return (last - first) * run.kind.samples / run.kind.sr


def joined(rng: np.random.Generator) -> Mangled:
    """Two recordings one behind the other, of two rates or numbers of channels, or none told."""
    form = str(rng.choice(["mp3", "ogg", "opus"]))
    at = float(rng.choice([10, 16, 36]))
    rates = (24_000, 24_000) if form == "opus" else rng.choice([(SR, SR), (44_100, SR)])
    parts = []
    for (start, stop), sr in zip(((0, at), (at, SECONDS)), map(int, rates), strict=True):
        y = tone(start, stop, sr)
        y = np.stack([y, y], axis=1) if rng.random() < 0.5 else y
        part = encode(y, form, sr, "VARIABLE" if form == "mp3" else None)
        parts.append(without_tag(part) if form == "mp3" and rng.random() < 0.5 else part)
    return Mangled(b"".join(parts), f".{form}", SECONDS)


KINDS: tuple[Callable[[np.random.Generator], Mangled], ...] = (
    untagged, mistagged, tagged_in_front, flipped, silent_within, damaged, joined,
)  # fmt: skip


def mangle(number: int, directory: Path) -> tuple[Path, Mangled]:
    """Write the file of a number; the same number makes the same file."""
    kind = KINDS[number % len(KINDS)]
    made = kind(np.random.default_rng([3, number]))
    path = directory / f"{number:05d}-{kind.__name__}{made.suffix}"
    path.write_bytes(made.content)
    return path, made
