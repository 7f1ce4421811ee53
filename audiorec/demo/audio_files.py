"""Audio files of the demo world: encoded, tagged, and written atomically.

The same entry gives the same bytes, in any process and on any day.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from audiorec.demo.catalog_plan import STREAM_PLANTED, PlannedTrack, generator
from audiorec.demo.compose import CLIP_SECONDS
from audiorec.demo.render import SAMPLE_RATE, SYNTH_RATE, render

# Imports in functions: soundfile and mutagen, needed only to write files.

__all__ = ["PART_SUFFIX", "write_entry"]

PART_SUFFIX = ".part"
BLOCK = 65_536  # libsndfile dies of one call that writes a long Vorbis file
BROKEN_BYTES = 24_000
# LAME and Vorbis are slow: their files are mono, and the MP3s of half the sampling rate.
_ENCODERS: dict[str, dict[str, Any]] = {
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "samplerate": SYNTH_RATE,
            "bitrate_mode": "VARIABLE", "compression_level": 0.7},
    "flac": {"format": "FLAC", "subtype": "PCM_16", "samplerate": SAMPLE_RATE},
    "ogg": {"format": "OGG", "subtype": "VORBIS", "samplerate": SAMPLE_RATE},
}  # fmt: skip


def _encode(y: np.ndarray, path: Path, *, suffix: str) -> None:
    """Write ``y [shape=(n_channels, n)]``."""
    import soundfile

    samples = np.ascontiguousarray(y.T)
    settings = {**_ENCODERS[suffix], "channels": samples.shape[1]}
    with soundfile.SoundFile(str(path), "w", **settings) as file:
        for start in range(0, len(samples), BLOCK):
            file.write(samples[start : start + BLOCK])


def _fix_serial(path: Path, serial: int) -> None:
    """Give an Ogg stream a fixed serial number; the encoder's depends on the clock."""
    from mutagen.ogg import OggPage

    pages = []
    with path.open("rb") as file:
        while True:
            try:
                pages.append(OggPage(file))
            except EOFError:
                break
    with path.open("wb") as file:
        for page in pages:
            page.serial = serial
            file.write(page.write())


def _tag(path: Path, entry: PlannedTrack, *, suffix: str) -> None:
    artist, title, album = entry.tags
    fields = {"artist": artist, "title": title, "album": album, "genre": entry.genre,
              "date": str(entry.year)}  # fmt: skip
    if suffix == "mp3":
        from mutagen import id3

        tags = id3.ID3()
        frames = {"artist": id3.TPE1, "title": id3.TIT2, "album": id3.TALB,
                  "genre": id3.TCON, "date": id3.TDRC}  # fmt: skip
        for name, frame in frames.items():
            tags.add(frame(encoding=3, text=[fields[name]]))
        tags.save(str(path))
        return
    from mutagen.flac import FLAC
    from mutagen.oggvorbis import OggVorbis

    audio: Any = {"flac": FLAC, "ogg": OggVorbis}[suffix](str(path))
    for name, value in fields.items():
        audio[name] = [value]
    audio.save()


def _sound(entry: PlannedTrack, soundfont: Path, *, suffix: str) -> np.ndarray:
    sr = int(_ENCODERS[suffix]["samplerate"])
    if not entry.parts:
        return np.zeros((1, int(CLIP_SECONDS * sr)), dtype=np.float32)
    mono = suffix != "flac"
    parts = [render(part, soundfont=soundfont, mono=mono, sr=sr) for part in entry.parts]
    return np.concatenate(parts, axis=1)


def write_entry(entry: PlannedTrack, *, directory: Path, soundfont: Path) -> None:
    """Render, encode and tag one file, written aside and moved into place.

    Parameters
    ----------
    entry : PlannedTrack
    directory : Path
        The world's.
    soundfont : Path
    """
    path = directory / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART_SUFFIX)
    suffix = path.suffix[1:]
    if entry.kind == "broken":
        # No byte is 255, so that nothing in it resembles the beginning of an MP3 frame.
        noise = generator(0, STREAM_PLANTED, 1).integers(0, 255, BROKEN_BYTES, dtype=np.uint8)
        part.write_bytes(b"ID3\x04\x00\x00\x00\x0f\x00\x00" + noise.tobytes())
    else:
        _encode(_sound(entry, soundfont, suffix=suffix), part, suffix=suffix)
        if suffix == "ogg":
            _fix_serial(part, 1 + entry.parts[0].number)
        _tag(part, entry, suffix=suffix)
    part.replace(path)
