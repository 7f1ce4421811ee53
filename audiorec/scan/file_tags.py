"""Tags of audio files, read by mutagen or from containers that it ignores."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiorec.audio.backends import recording_start
from audiorec.audio.substream import Substream, size_of
from audiorec.data.names import is_nobody
from audiorec.scan.tags_beyond_mutagen import ape_tags, chunk_tags, id3v1_names, matroska_tags

LONGEST = 500  # characters kept of a tag
MOST_UNPACKED = 1 << 22  # bytes of a compressed frame: no name is longer, and no cover is read
# Names of the same tag in Vorbis comments and "easy" ID3 and MP4, in raw ID3, and in ASF.
KEYS = {
    "artist": ("artist", "TPE1", "Author"),
    "album_artist": ("albumartist", "album artist", "TPE2", "WM/AlbumArtist"),
    "performer": ("performer", "ensemble", "orchestra", "conductor", "TPE3", "WM/Conductor"),
    "composer": ("composer", "TCOM", "WM/Composer"),
    "disc": ("discnumber", "disc", "TPOS", "WM/PartOfSet"),
    "title": ("title", "TIT2", "Title"),
    "album": ("album", "TALB", "WM/AlbumTitle"),
    "genre": ("genre", "TCON", "WM/Genre"),
    "year": ("date", "year", "originaldate", "TDRC", "TYER", "WM/Year"),
    "number": ("tracknumber", "track", "TRCK", "WM/TrackNumber"),
}


def read_tags(path: Path) -> dict[str, Any]:
    """Read the tags of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tags : dict
        ``artist``, ``title``, ``album``, ``genre``, ``album_artist``, ``composer`` and
        ``recording_mbid`` (str, empty where unknown), ``year``, ``number`` and ``disc`` (int or
        None). Unreadable tags count as missing: the audio is what matters.
    """
    with path.open("rb") as stream:
        own = _mutagen_tags(stream) or {}
        short = id3v1_names(stream)
        sources: list[Mapping[str, Any]] = [
            {k: v for k, v in own.items() if k not in short or _text(own, k) != short[k]},
            *(read(stream) for read in (ape_tags, chunk_tags, matroska_tags)),
            own,
        ]
    tags = {key: value for source in reversed(sources) for key, value in source.items() if value}
    values: dict[str, Any] = {
        name: next((text for key in keys if (text := _text(tags, key))), "")
        for name, keys in KEYS.items()
    }
    year = re.search(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)", values["year"])
    values["year"] = int(year[0]) if year else None
    for name in ("number", "disc"):
        number = re.match(r"\d{1,4}", values[name])
        values[name] = int(number[0]) or None if number else None
    _settle_artist(values)
    values["recording_mbid"] = _recording_id(tags)
    return values


def _settle_artist(tags: dict[str, Any]) -> None:
    """Fill in a missing artist: the album's, else the performer, else the composer.

    "Various artists" of an album is not used.
    """
    performer, of_album = tags.pop("performer"), tags["album_artist"]
    known = "" if is_nobody(of_album.casefold()) else of_album
    tags["artist"] = tags["artist"] or known or performer or tags["composer"]
    for name in ("album_artist", "composer"):
        if tags[name] == tags["artist"]:
            tags[name] = ""


class _BoundedZlib:
    """Bounded substitute for mutagen's `zlib`: frames that exceed `MOST_UNPACKED` are dropped.

    A frame of 600 kB can unpack to 600 MB, and take a multiple of that as text.
    """

    error = zlib.error

    @staticmethod
    def decompress(data: bytes) -> bytes:
        """Decompress as `zlib.decompress`, to at most that many bytes."""
        unpacking = zlib.decompressobj()
        unpacked = unpacking.decompress(data, MOST_UNPACKED)
        if not unpacking.eof:
            raise zlib.error(f"incomplete, or unpacks to more than {MOST_UNPACKED} bytes")
        return unpacked


def _mutagen_tags(stream: io.BufferedReader) -> Mapping[str, Any] | None:
    import mutagen  # here: only once there is a file to read
    import mutagen.id3._frames
    from mutagen.easyid3 import EasyID3

    mutagen.id3._frames.zlib = _BoundedZlib  # type: ignore[assignment]  # for the module
    start, _ = recording_start(stream)
    stream.seek(0)
    # A stream without a name makes mutagen judge by content too, not by suffix.
    nameless = _NamelessStream(stream)
    try:
        if start:  # an ID3v2 tag before a file with tags of its own, which take precedence
            own = mutagen.File(
                _NamelessStream(Substream(stream, start, size_of(stream))), easy=True
            )
            stream.seek(0)
            return {**EasyID3(nameless), **((own.tags or {}) if own is not None else {})}
        opened = mutagen.File(nameless, easy=True)
    except mutagen.MutagenError:
        return None
    except (ValueError, KeyError, IndexError, EOFError, OverflowError, ArithmeticError):
        return None  # an error of mutagen on torn tags
    return opened.tags if opened is not None else None


class _NamelessStream(io.RawIOBase):
    """A read-only view of a stream without the file's name."""

    def __init__(self, stream: io.BufferedReader | Substream) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _text(tags: Mapping[str, Any], key: str) -> str:
    """First value of a tag, on one line and without unprintable characters."""
    try:
        value = tags[key]
    except (KeyError, ValueError):
        return ""
    if isinstance(value, list):
        value = value[0] if value else ""
    whole = str(value).encode("utf-8", "replace").decode()
    printable = "".join(c if c.isprintable() else " " for c in whole)
    return " ".join(printable.split())[:LONGEST]


def read_recording_id(path: Path) -> str:
    """Read the MusicBrainz id of a file's recording from its tags; empty where missing."""
    try:
        with path.open("rb") as stream:
            tags = _mutagen_tags(stream) or {}
    except OSError:
        return ""
    return _recording_id(tags)


def _recording_id(tags: Mapping[str, Any]) -> str:
    keys = ("musicbrainz_trackid", "MusicBrainz/Track Id", "musicbrainz_recordingid")
    return next((text.lower() for key in keys if (text := _text(tags, key))), "")
