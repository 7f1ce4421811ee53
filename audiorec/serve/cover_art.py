"""Cover art from an audio file's tags, as a picture of bounded size."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any, BinaryIO, NamedTuple

import mutagen
from mutagen.flac import Picture
from PIL import Image, UnidentifiedImageError

MOST_BYTES = 16 << 20  # of a picture in a tag
MOST_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


class Cover(NamedTuple):
    """A picture, re-encoded from the tag's: no byte of the tag is passed on."""

    data: bytes
    content_type: str


def read_cover(file: BinaryIO, *, size: int) -> Cover | None:
    """Read the first picture in a file's tags as a JPEG, or as a PNG if it has transparency.

    Parameters
    ----------
    file : file object
    size : int
        Most pixels on either side.
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
        return None  # not a picture
    return Cover(out.getvalue(), "image/png" if clear else "image/jpeg")


def embedded_picture(file: BinaryIO) -> bytes | None:
    """Return the bytes of the cover in a file's tags, the front cover if there are several."""
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


def _listed(tags: Any, key: str) -> list[Any]:
    try:
        return list(tags.get(key, ()))
    except (TypeError, ValueError, AttributeError, KeyError):
        return []
