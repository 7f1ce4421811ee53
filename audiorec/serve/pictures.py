"""Cover art out of tags, and spectrograms, as pictures of bounded size."""

from __future__ import annotations

import base64
import binascii
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import mutagen
import numpy as np
from mutagen.flac import Picture
from PIL import Image, UnidentifiedImageError

from audiorec.data.catalog.records import Track
from audiorec.mel.store import opened_store
from audiorec.serve.open_file import open_audio
from audiorec.workspace import Workspace

SIZES = (64, 128, 256, 300, 512, 600, 1000)
DEFAULT_SIZE = 600
MOST_BYTES = 16 << 20  # of a picture in a tag
MOST_PIXELS = 40_000_000
CACHED_BYTES = 32 << 20
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


class Cover(NamedTuple):
    """A picture, made anew from what the tag holds: no byte of the tag is passed on."""

    data: bytes
    content_type: str


class Pictures:
    """Pictures of tracks, the last of them kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, Any] = OrderedDict()
        self._bytes = 0

    def cover(self, track: Track, *, size: int | None) -> Cover | None:
        """Cover art of a track, at most `size` pixels wide and high."""
        wanted = next((s for s in SIZES if s >= (size or DEFAULT_SIZE)), SIZES[-1])
        try:
            opened = open_audio(track)
        except (OSError, ValueError):
            return None
        with opened:
            state = os.fstat(opened.fileno())
            key = (track.path, state.st_mtime_ns, state.st_size, wanted)
            found: Cover | None = self._cached(key, lambda: read_cover(opened, size=wanted))
        return found

    def spectrogram(self, workspace: Workspace, track_id: str) -> bytes:
        """Spectrogram of a track's clip: time to the right, high notes at the top.

        Raises
        ------
        NotFoundError, ArtifactError
            If none is stored.
        """
        store = opened_store(workspace.mels)
        key = (track_id, store.clip_hash(track_id))
        found: bytes = self._cached(key, lambda: draw_spectrogram(store.mels(track_id)))
        return found

    def _cached(self, key: object, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += _weight(made)
            while self._bytes > CACHED_BYTES:
                _, old = self._kept.popitem(last=False)
                self._bytes -= _weight(old)
        return made


def read_cover(file: BinaryIO, *, size: int) -> Cover | None:
    """The first picture in a file's tags as a JPEG, or a PNG where it is see-through.

    Parameters
    ----------
    file : file object
    size : int
        Most pixels of either side.
    """
    data = embedded_picture(file)
    if data is None or len(data) > MOST_BYTES:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            image.draft("RGB", (size, size))
            clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
            picture = image.convert("RGBA" if clear else "RGB")
            picture.thumbnail((size, size))
            out = io.BytesIO()
            picture.save(out, "PNG" if clear else "JPEG", quality=85)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return None  # what is no picture
    return Cover(out.getvalue(), "image/png" if clear else "image/jpeg")


def embedded_picture(file: BinaryIO) -> bytes | None:
    """Bytes of the cover in a file's tags, the front one where there are several."""
    try:
        opened = mutagen.File(fileobj=file)
    except (mutagen.MutagenError, OSError, ValueError, EOFError):
        return None
    tags = getattr(opened, "tags", None)
    pictures: list[Any] = list(getattr(opened, "pictures", ()))
    if tags is not None and hasattr(tags, "getall"):  # ID3
        pictures += tags.getall("APIC")
    elif tags is not None:
        pictures += [bytes(cover) for cover in _listed(tags, "covr")]  # MP4
        for text in _listed(tags, "metadata_block_picture"):  # Vorbis
            try:
                pictures.append(Picture(base64.b64decode(text)))
            except (binascii.Error, mutagen.MutagenError, TypeError, ValueError):
                continue
    front = [p for p in pictures if getattr(p, "type", 3) == 3] or pictures
    if not front:
        return None
    data = front[0] if isinstance(front[0], bytes) else front[0].data
    return bytes(data)


def draw_spectrogram(mels: list[np.ndarray]) -> bytes:
    """Spectrograms side by side as a PNG.

    Parameters
    ----------
    mels : list of np.ndarray [shape=(n_mels, n_frames)]
        dB, of one track.
    """
    from matplotlib import colormaps  # here: covers do not wait for matplotlib

    whole = np.concatenate([np.asarray(mel, dtype=np.float32) for mel in mels], axis=1)
    low, high = np.percentile(whole, [2, 99.8])
    level = np.clip((whole - low) / max(float(high - low), 1e-6), 0, 1)
    colours = (colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    pixels = colours[(np.flipud(level) * 255).astype(np.uint8)]
    image = Image.fromarray(pixels)
    if image.width > 1200:
        image = image.resize((1200, image.height), Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return out.getvalue()


def _listed(tags: Any, key: str) -> list[Any]:
    try:
        return list(tags.get(key, ()))
    except (TypeError, ValueError, AttributeError, KeyError):
        return []


def _weight(value: Any) -> int:
    data = value.data if isinstance(value, Cover) else value
    return 100 + len(data or b"")
