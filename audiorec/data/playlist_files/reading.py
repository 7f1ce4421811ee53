"""Find playlist files (M3U, PLS, XSPF, JSPF), and read their entries."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from audiorec.data.folder_walk import rules_for, walk_folder
from audiorec.data.magic_bytes import is_special_file
from audiorec.data.playlist_files.code_pages import BOMS, HEAD, decode_playlist, entry_lines
from audiorec.exceptions import DataError, system_reason
from audiorec.printable_text import one_line

SUFFIXES = (".m3u", ".m3u8", ".pls", ".xspf", ".jspf")
OWN = "#CREATOR:audiorec"
"""Comment in lists that audiorec wrote: these are not imported as listeners."""
OWN_CREATOR = re.compile(rb'<creator>audiorec</creator>|"creator":\s*"audiorec"')
"""Its equivalent in XSPF and JSPF."""
MOST = 1 << 24  # bytes of a playlist: some 200,000 entries
NO_LIST = (
    (b"PK\x03\x04", "is a zip archive; unpack it"),
    (b"\x1f\x8b", "is gzipped; unpack it"),
    (b"bplist", "is a binary property list; export it as M3U8"),
    (b"SQLite format 3", "is a database; export it as M3U8"),
)
OTHER_TEXT = (
    (
        re.compile(r"\A\s*<(\?|!doctype|html|asx|smil|plist|rss)", re.IGNORECASE),
        "is XML or HTML, but no XSPF; export it as M3U8",
    ),
    (
        re.compile(
            r'^[ \t]*FILE[ \t]+".*"[ \t]+(WAVE|MP3|AIFF|BINARY)\b', re.IGNORECASE | re.MULTILINE
        ),
        "is a CUE sheet, which a scan reads beside its file; name a playlist",
    ),
)


def playlists_in(folder: Path) -> list[Path]:
    """Playlists in a folder and its subfolders, sorted.

    Files that a scan skips and playlists written by audiorec are left out.
    """
    return sorted(_walk(folder))


def holds_playlists(folder: Path) -> bool:
    """Whether a folder has any playlist; stops at the first."""
    return next(_walk(folder), None) is not None


def _walk(folder: Path) -> Iterator[Path]:
    root = os.path.abspath(folder)  # noqa: PTH100 - links stay as they are
    walked = walk_folder(root, wanted=_is_playlist, rules=rules_for(root), entered=set())
    paths = (Path(path) for path, error in walked if not error)
    return (path for path in paths if path.is_file() and not _is_own(path))


def _is_playlist(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _is_own(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False  # `entries` reports what is wrong with it
    return OWN.encode() in head.splitlines() or OWN_CREATOR.search(head) is not None


def entries(path: Path) -> Iterator[str]:
    """Iterate over the entries of a playlist, unchanged, without comments and empty lines.

    Parameters
    ----------
    path : Path
        M3U, PLS, XSPF or JSPF, by its content. Text that is not UTF-8 is read in the code page
        given by ``#EXTENC``, or in the one in which most of the listed files exist.

    Raises
    ------
    DataError
        If it cannot be read, is too large, or is not a playlist.
    """
    content = _content(path)
    begins = content[:HEAD].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if begins.startswith(b"<") and b"xspf.org" in begins:
        yield from _xspf(path, content)
        return
    text = _decoded(path, content)
    for pattern, what in OTHER_TEXT:
        if pattern.search(text):
            raise _playlist_error(path, what)
    if begins.startswith(b"{"):
        yield from _jspf(path, text)
    elif text.lstrip()[:10].lower() == "[playlist]":
        yield from re.findall(r"^\s*File\d+\s*=[ \t]*(\S.*?)\s*$", text, re.I | re.M)
    else:
        yield from entry_lines(text)


def _content(path: Path) -> bytes:
    if is_special_file(path):
        raise _playlist_error(path, "is no regular file; copy it into one")
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except OSError as error:
        reason = system_reason(error).lower()
        raise _playlist_error(path, f"cannot be read: {reason}; check its permissions") from None
    if len(content) > MOST:
        raise _playlist_error(path, f"has more than {MOST >> 20} MB; remove it, or split it")
    for magic, what in NO_LIST:
        if content.startswith(magic):
            raise _playlist_error(path, what)
    return content


def _decoded(path: Path, content: bytes) -> str:
    if b"\0" in content and not content.startswith(tuple(bom for bom, _ in BOMS)):
        raise _playlist_error(path, "is no text; remove it, or save it as M3U8")
    return decode_playlist(content, folder=path.parent)


def _xspf(path: Path, content: bytes) -> list[str]:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _playlist_error(
            path, "declares entities, which no playlist needs; remove its DOCTYPE"
        )
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _playlist_error(path, f"is no XSPF ({error}); export it again") from None
    locations = (element for element in root.iter() if element.tag.rpartition("}")[2] == "location")
    return _addresses(element.text for element in locations)


def _jspf(path: Path, text: str) -> list[str]:
    try:
        rows = json.loads(text)["playlist"]["track"]
        locations = [row.get("location") for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _playlist_error(path, "is no JSPF: it has no list 'track' in 'playlist'") from None
    return _addresses(
        one for each in locations for one in (each if isinstance(each, list) else [each])
    )


def _addresses(values: Iterable[object]) -> list[str]:
    """Locations of tracks, relative ones decoded: they are URIs, not paths."""
    texts = [text.strip() for text in values if isinstance(text, str) and text.strip()]
    return [text if "://" in text else unquote(text) for text in texts]


def _playlist_error(path: Path, what: str) -> DataError:
    return DataError(one_line(f"playlist {path} {what}"))
