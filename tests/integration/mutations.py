"""Audio files of every format with something wrong in them; the same seed makes the same files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import av
import mutagen
import numpy as np
import soundfile as sf

SECONDS, SR = 1.6, 24_000
FORMATS = (".mp3", ".flac", ".ogg", ".opus", ".wav", ".aiff", ".m4a", ".aac", ".wma")
BY_AV = {".m4a": ("aac", "ipod"), ".aac": ("aac", "adts"), ".wma": ("wmav2", "asf")}
EXTREME = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def make_files(directory: Path, *, n: int, seed: int = 0) -> list[Path]:
    """Write `n` files, each with one or two mutations of a valid one."""
    directory.mkdir(parents=True)
    whole = [path.read_bytes() for path in valid_files(directory / ".valid")]
    names = list(MUTATIONS)
    paths = []
    for number in range(n):
        rng = np.random.default_rng([seed, number])
        kind = number % len(FORMATS)
        # All kinds of a format come up as often as each other, whatever `n`.
        chosen = [names[number // len(FORMATS) % len(names)]]
        if rng.random() < 0.3:
            chosen.append(names[rng.integers(len(names))])
        content, suffix = whole[kind], FORMATS[kind]
        for name in chosen:
            content = MUTATIONS[name](content, rng, whole)
        if "suffix" in chosen:
            suffix = FORMATS[rng.integers(len(FORMATS))]
        path = directory / f"{number:05d}-{FORMATS[kind][1:]}-{'+'.join(chosen)}{suffix}"
        path.write_bytes(content)
        paths.append(path)
    return paths


def valid_files(directory: Path) -> list[Path]:
    """A short recording in each of `FORMATS`, with tags where the format has some."""
    directory.mkdir()
    rng = np.random.default_rng(1)
    paths = []
    for number, suffix in enumerate(FORMATS):
        t = np.arange(int(SECONDS * SR)) / SR
        y = 0.3 * np.sin(2 * np.pi * 110 * (number + 2) * t) + rng.normal(0, 0.02, len(t))
        path = directory / f"valid{suffix}"
        if suffix in BY_AV:
            _write_by_av(path, y.astype(np.float32))
        else:
            subtype = {".opus": "OPUS", ".ogg": "VORBIS"}.get(suffix)
            form = {".opus": "OGG", ".ogg": "OGG"}.get(suffix)
            if suffix == ".mp3":  # two channels are read in a way of their own
                y = np.stack([y, np.roll(y, SR // 9)], axis=1)
            sf.write(path, y, SR, subtype=subtype, format=form)
        _tag(path)
        paths.append(path)
    return paths


def _write_by_av(path: Path, y: np.ndarray) -> None:
    codec, form = BY_AV[path.suffix]
    with av.open(str(path), "w", format=form) as out:
        stream = out.add_stream(codec, rate=SR, layout="mono")
        stream.bit_rate = 64_000
        for start in range(0, len(y), 2048):
            block = np.ascontiguousarray(y[None, start : start + 2048])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SR, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _tag(path: Path) -> None:
    opened = mutagen.File(path, easy=True)
    if opened is None or path.suffix == ".aac":
        return
    if opened.tags is None:
        opened.add_tags()
    if path.suffix in {".mp3", ".flac", ".ogg", ".opus", ".m4a"}:
        opened.update(artist="Alma Ro", title=f"A song in {path.suffix[1:]}", date="1999")
    elif path.suffix == ".wma":
        opened["Title"], opened["Author"] = "A song", "Alma Ro"
    else:
        opened.tags.add(mutagen.id3.TIT2(encoding=3, text=["A song"]))
    opened.save()


Mutation = Callable[[bytes, np.random.Generator, list[bytes]], bytes]


def _stretch(content: bytes, rng: np.random.Generator) -> slice:
    """Some stretch of a file, short ones more often."""
    start = int(rng.integers(len(content) + 1))
    return slice(start, start + int(2 ** rng.uniform(0, np.log2(len(content) + 2))))


def _flip(content: bytes, rng: np.random.Generator, *, within: int) -> bytes:
    flipped = bytearray(content)
    for _ in range(int(2 ** rng.uniform(0, 6))):
        if flipped:
            flipped[rng.integers(min(within, len(flipped)))] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


def _field(content: bytes, rng: np.random.Generator) -> bytes:
    """A number in a header made extreme, or any number at all."""
    places = [match.start() for match in re.finditer(rb"[A-Za-z0-9]{4}", content[:4096])]
    near = places[rng.integers(len(places))] if places and rng.random() < 0.5 else 0
    place = min(near + int(rng.integers(64)), max(0, len(content) - 1))
    size = int(rng.choice([1, 2, 4, 8]))
    value = int(rng.choice(EXTREME)) if rng.random() < 0.7 else int(rng.integers(2**32))
    order = "big" if rng.random() < 0.5 else "little"
    number = (value % 256**size).to_bytes(size, order)  # type: ignore[arg-type]
    return content[:place] + number + content[place + size :]


def _filled(content: bytes, rng: np.random.Generator, byte: bytes) -> bytes:
    gap = _stretch(content, rng)
    return content[: gap.start] + byte * len(content[gap]) + content[gap.stop :]


def _inserted(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content) + 1))
    return content[:place] + rng.bytes(int(2 ** rng.uniform(0, 14))) + content[place:]


def _doubled(content: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.3:
        return content + content
    part = _stretch(content, rng)
    return content[: part.stop] + content[part] + content[part.stop :]


def _swapped(content: bytes, rng: np.random.Generator) -> bytes:
    a, b, c = sorted(rng.integers(len(content) + 1, size=3).tolist())
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _spliced(content: bytes, rng: np.random.Generator, whole: list[bytes]) -> bytes:
    other = whole[rng.integers(len(whole))]
    here, there = (int(rng.integers(len(part) + 1)) for part in (content, other))
    return content[:here] + other[there:]


def _noise(content: bytes, rng: np.random.Generator) -> bytes:
    """A beginning that looks right, and nothing behind it that is."""
    kept = int(2 ** rng.uniform(2, 12))
    return content[:kept] + rng.bytes(max(0, len(content) - kept))


MUTATIONS: dict[str, Mutation] = {
    "bits": lambda content, rng, _: _flip(content, rng, within=len(content)),
    "head": lambda content, rng, _: _flip(content, rng, within=256),
    "field": lambda content, rng, _: _field(content, rng),
    "cut": lambda content, rng, _: content[: int(rng.integers(len(content) + 1))],
    "behead": lambda content, rng, _: content[_stretch(content, rng).start // 4 :],
    "junk": lambda content, rng, _: _inserted(content, rng),
    "double": lambda content, rng, _: _doubled(content, rng),
    "zeros": lambda content, rng, _: _filled(content, rng, b"\0"),
    "ones": lambda content, rng, _: _filled(content, rng, b"\xff"),
    "swap": lambda content, rng, _: _swapped(content, rng),
    "splice": _spliced,
    "noise": lambda content, rng, _: _noise(content, rng),
    "suffix": lambda content, rng, _: content,
}
