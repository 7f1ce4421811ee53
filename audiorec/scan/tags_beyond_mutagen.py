"""Readers of tag containers that mutagen ignores: APEv2, RIFF INFO, AIFF text, Matroska.

Keys are those of Vorbis comments in lower case: artist, title, album, genre, date, tracknumber.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from audiorec.audio.mpeg_frames import ID3V1_BYTES

MOST = 1 << 16  # bytes read of a value: no name is longer
MOST_CHUNKS = 10_000
RIFF_NAMES = {
    b"IART": "artist", b"INAM": "title", b"IPRD": "album", b"IGNR": "genre", b"ICRD": "date",
    b"ITRK": "tracknumber", b"IPRT": "tracknumber",
}  # fmt: skip
AIFF_NAMES = {b"NAME": "title", b"AUTH": "artist"}
APE_NAMES = {
    "artist": "artist", "album artist": "albumartist", "title": "title", "album": "album",
    "genre": "genre", "year": "date", "track": "tracknumber",
}  # fmt: skip
# Elements of Matroska and WebM, by their ids.
EBML, SEGMENT, TAGS, TAG = 0x1A45DFA3, 0x18538067, 0x1254C367, 0x7373
TARGETS, LEVEL, SIMPLE_TAG = 0x63C0, 0x68CA, 0x67C8
TAG_NAME, TAG_STRING = 0x45A3, 0x4487
INFO, SEGMENT_TITLE = 0x1549A966, 0x7BA9
ALBUM_LEVEL = 50  # TargetTypeValue of the specification
MATROSKA_NAMES = {
    "artist": "artist", "title": "title", "album": "album", "genre": "genre",
    "date_released": "date", "date_recorded": "date", "date": "date", "part_number": "tracknumber",
    "track": "tracknumber",
}  # fmt: skip


def ape_tags(stream: BinaryIO) -> dict[str, str]:
    """Read APEv2 tags at the end of a file of any format, around an ID3v1 or Lyrics3 tag."""
    size = stream.seek(0, io.SEEK_END)
    for end in (size, size - ID3V1_BYTES, _lyrics_start(stream, size - ID3V1_BYTES)):
        if end < 32:
            continue
        stream.seek(end - 32)
        footer = stream.read(32)
        if footer[:8] != b"APETAGEX":
            continue
        length, count = struct.unpack("<II", footer[12:20])
        if length > end or length < 32:
            return {}
        stream.seek(end - length)
        return _ape_items(stream.read(min(length - 32, 1 << 20)), min(count, MOST_CHUNKS))
    return {}


def id3v1_names(stream: BinaryIO) -> dict[str, str]:
    """Read title, artist and album of an ID3v1 tag, each truncated to 30 characters."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - ID3V1_BYTES))
    tag = stream.read(ID3V1_BYTES)
    if size < ID3V1_BYTES or not tag.startswith(b"TAG"):
        return {}
    places = {"title": tag[3:33], "artist": tag[33:63], "album": tag[63:93]}
    return {key: _text(text.partition(b"\0")[0]) for key, text in places.items()}


def _lyrics_start(stream: BinaryIO, end: int) -> int:
    """Start of a Lyrics3 v2 tag that ends there; 0 where there is none."""
    if end < 15:
        return 0
    stream.seek(end - 15)
    length, mark = stream.read(6), stream.read(9)
    return end - 15 - int(length) if mark == b"LYRICS200" and length.isdigit() else 0


def _ape_items(data: bytes, count: int) -> dict[str, str]:
    items: dict[str, str] = {}
    at = 0
    for _ in range(count):
        if at + 9 > len(data):
            break
        length, flags = struct.unpack("<II", data[at : at + 8])
        name, zero, _ = data[at + 8 : at + 8 + 256].partition(b"\0")
        begin = at + 8 + len(name) + 1
        if not zero or begin + length > len(data):
            break
        key = APE_NAMES.get(name.decode("latin-1").lower())
        if key and flags >> 1 & 3 == 0:  # text, with values separated by zero bytes
            items.setdefault(key, _text(data[begin : begin + length].partition(b"\0")[0]))
        at = begin + length
    return items


def chunk_tags(stream: BinaryIO) -> dict[str, str]:
    """Read the INFO list of a RIFF file, or the text chunks of an AIFF file."""
    stream.seek(0)
    head = stream.read(12)
    if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
        lists = (data for name, data in _chunks(stream, "<", 12) if name == b"LIST")
        for data in lists:
            if data[:4] == b"INFO":
                return _named(_chunks(io.BytesIO(data), "<", 4), RIFF_NAMES)
        return {}
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        return _named(_chunks(stream, ">", 12), AIFF_NAMES)
    return {}


def _named(parts: Iterator[tuple[bytes, bytes]], names: dict[bytes, str]) -> dict[str, str]:
    return {names[name]: _text(value) for name, value in parts if name in names}


def _chunks(stream: BinaryIO, order: str, start: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and first bytes of the chunks of a file, or of a list in it."""
    at = start
    for _ in range(MOST_CHUNKS):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        (length,) = struct.unpack(f"{order}I", head[4:])
        # The audio itself is skipped; in RF64 its length is stored elsewhere.
        yield head[:4], b"" if head[:4] in (b"data", b"SSND") else stream.read(min(length, MOST))
        if length == 0xFFFFFFFF:
            return
        at += 8 + length + length % 2


def matroska_tags(stream: BinaryIO) -> dict[str, str]:
    """Read tags of a Matroska or WebM file; those of the track before those of its album."""
    stream.seek(0)
    if stream.read(4) != EBML.to_bytes(4, "big"):
        return {}
    size = stream.seek(0, io.SEEK_END)
    tags: dict[str, str] = {}
    albums: dict[str, str] = {}
    for element, begin, end in _elements(stream, 0, size):
        if element != SEGMENT:
            continue
        for inner, start, stop in _elements(stream, begin, end):
            if inner == TAGS:
                _read_tags(stream, start, stop, tags, albums)
            elif inner == INFO:
                for part, a, b in _elements(stream, start, stop):
                    if part == SEGMENT_TITLE:
                        tags["title"] = _value(stream, a, b)
    if "title" in albums:
        albums["album"] = albums.pop("title")
    return {**albums, **tags}


def _read_tags(
    stream: BinaryIO, begin: int, end: int, tags: dict[str, str], albums: dict[str, str]
) -> None:
    for element, start, stop in _elements(stream, begin, end):
        if element != TAG:
            continue
        level = ALBUM_LEVEL - 20  # of a track if unspecified, as most writers mean it
        pairs: list[tuple[str, str]] = []
        for inner, a, b in _elements(stream, start, stop):
            if inner == TARGETS:
                levels = [
                    _number(stream, x, y) for e, x, y in _elements(stream, a, b) if e == LEVEL
                ]
                level = levels[0] if levels else level
            elif inner == SIMPLE_TAG:
                parts = {e: _value(stream, x, y) for e, x, y in _elements(stream, a, b)}
                pairs.append((parts.get(TAG_NAME, "").lower(), parts.get(TAG_STRING, "")))
        into = albums if level >= ALBUM_LEVEL else tags
        into |= {MATROSKA_NAMES[name]: text for name, text in pairs if name in MATROSKA_NAMES}


def _elements(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Id, beginning and end of the elements in a range; one of unknown length is the last."""
    at = begin
    for _ in range(MOST_CHUNKS):
        if at >= end:
            return
        stream.seek(at)
        head = stream.read(12)
        width = _width(head[:1])
        if not width or len(head) < width + 1:
            return
        element = int.from_bytes(head[:width], "big")
        of_length = _width(head[width : width + 1])
        raw = head[width : width + of_length]
        if not of_length or len(raw) < of_length:
            return
        length = int.from_bytes(raw, "big") & ((1 << 7 * of_length) - 1)
        start = at + width + of_length
        unknown = length == (1 << 7 * of_length) - 1
        at = end if unknown else min(end, start + length)
        yield element, start, at


def _width(first: bytes) -> int:
    """Bytes of a number with this first byte; 0 for an invalid one."""
    return 9 - first[0].bit_length() if first and first[0] else 0


def _value(stream: BinaryIO, begin: int, end: int) -> str:
    stream.seek(begin)
    return _text(stream.read(min(end - begin, MOST)))


def _number(stream: BinaryIO, begin: int, end: int) -> int:
    stream.seek(begin)
    return int.from_bytes(stream.read(min(end - begin, 8)), "big")


def _text(data: bytes) -> str:
    """A value without its padding; in the most common code page where it is not UTF-8."""
    data = data[:MOST].rstrip(b"\0 ")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
