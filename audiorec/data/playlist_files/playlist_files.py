"""Playlists of files (M3U, PLS, XSPF, JSPF): which there are, who made them, what they list."""

from __future__ import annotations

import codecs
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from audiorec.data.folder_walk import rules_for, walk_folder
from audiorec.data.magic_bytes import is_special_file
from audiorec.exceptions import DataError, ParameterError, system_reason
from audiorec.printable_text import one_line

SUFFIXES = (".m3u", ".m3u8", ".pls", ".xspf", ".jspf")
OWN = "#CREATOR:audiorec"
"""Comment in lists that audiorec wrote: no listener made them, so they count as none."""
OWN_CREATOR = re.compile(rb'<creator>audiorec</creator>|"creator":\s*"audiorec"')
"""The same in XSPF and JSPF."""
MOST = 1 << 24  # bytes of a playlist: some 200,000 entries
HEAD = 4096  # bytes in which it says what it is
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # which begins as UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CODE_PAGES = (
    *("cp1252", "cp1251", "cp1250", "cp1253", "cp932", "gb18030", "euc_kr", "big5"),
    *("koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp850", "mac_roman"),
)
"""In which players write lists that are not UTF-8; the first is the commonest."""
EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL"))
PLS_ENTRY = re.compile(rb"^\s*File\d+\s*=", re.IGNORECASE)
DIRECTIVE = re.compile(rb"^#EXTENC:\s*([\w-]+)", re.IGNORECASE | re.MULTILINE)
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


class PathMap(NamedTuple):
    """A folder's name in a list that is read, and here; or here, and in a list that is written.

    In lists that are read letter case and the direction of slashes make no difference.
    """

    old: str
    new: str

    @classmethod
    def parse(cls, text: str) -> PathMap:
        """One from ``OLD=NEW``; `ParameterError` where it is none."""
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise ParameterError(f"path map {text!r} must be OLD=NEW, such as /music=/mnt/nas")
        return cls(old, new)

    def apply(self, entry: str) -> str | None:
        """An entry of a list with the folder's name exchanged; None where it lies elsewhere."""
        old, path = (text.replace("\\", "/") for text in (self.old.rstrip("/\\"), entry))
        if not f"{path.casefold()}/".startswith(f"{old.casefold()}/"):
            return None
        return f"{self.new.rstrip('/')}{path[len(old) :]}"


def playlists_in(folder: Path) -> list[Path]:
    """Playlists in a folder and the folders in it, sorted.

    Passed by is what a scan passes by, and those that audiorec itself wrote.
    """
    return sorted(_walk(folder))


def holds_playlists(folder: Path) -> bool:
    """Whether there are any; looks no further than the first."""
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
        return False  # `entries` says what is wrong with it
    return OWN.encode() in head.splitlines() or OWN_CREATOR.search(head) is not None


def entries(path: Path) -> Iterator[str]:
    """What a playlist lists, as it stands there; comments and empty lines are none of it.

    Parameters
    ----------
    path : Path
        M3U, PLS, XSPF or JSPF, known by its content. Text that is not UTF-8 is read in the code
        page that an ``#EXTENC`` names, or in which most of the files that it lists are there.

    Raises
    ------
    DataError
        If it cannot be read, is too large, or is no playlist.
    """
    content = _content(path)
    begins = content[:HEAD].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if begins.startswith(b"<") and b"xspf.org" in begins:
        yield from _xspf(path, content)
        return
    text = _decoded(path, content)
    for pattern, what in OTHER_TEXT:
        if pattern.search(text):
            raise _bad(path, what)
    if begins.startswith(b"{"):
        yield from _jspf(path, text)
    elif text.lstrip()[:10].lower() == "[playlist]":
        yield from re.findall(r"^\s*File\d+\s*=[ \t]*(\S.*?)\s*$", text, re.I | re.M)
    else:
        yield from _lines(text)


def _lines(text: str) -> Iterator[str]:
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            yield line


def _content(path: Path) -> bytes:
    if is_special_file(path):
        raise _bad(path, "is no regular file; copy it into one")
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except OSError as error:
        reason = system_reason(error).lower()
        raise _bad(path, f"cannot be read: {reason}; check its permissions") from None
    if len(content) > MOST:
        raise _bad(path, f"has more than {MOST >> 20} MB; remove it, or split it")
    for magic, what in NO_LIST:
        if content.startswith(magic):
            raise _bad(path, what)
    return content


def _decoded(path: Path, content: bytes) -> str:
    for bom, encoding in BOMS:
        if content.startswith(bom):
            return content.decode(encoding, "replace")
    if b"\0" in content:
        raise _bad(path, "is no text; remove it, or save it as M3U8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_code_page(content, folder=path.parent), "replace")


def _code_page(content: bytes, *, folder: Path) -> str:
    """The code page that a list says it is in, else the one in which most of its files are there.

    Where none is there in any, it is the one that gives words as they are written, the commonest
    first: entries are then found by other means, or named as they were read.
    """
    if (named := DIRECTIVE.search(content[:HEAD])) is not None:
        try:
            return codecs.lookup(named[1].decode()).name
        except LookupError:
            pass
    telling = b"\n".join(
        PLS_ENTRY.sub(b"", line)
        for line in content.splitlines()
        if not line.isascii() and not line.startswith(b"#")
    )

    def there(page: str) -> int:
        paths = (
            entry_path(entry, folder=folder) for entry in _lines(telling.decode(page, "replace"))
        )
        return sum(path is not None and os.path.exists(path) for path in paths)  # noqa: PTH110

    return max(
        CODE_PAGES, key=lambda page: (there(page), _likeness(telling.decode(page, "replace")))
    )


def _likeness(text: str) -> int:
    """How much a text looks like words: of one script each, in small letters behind the first.

    Words of Latin script have no three accented letters in a row.
    """
    score = 0
    for word in set(re.findall(r"[^\x00-/:-@\[-`{-\x7f]+", text)):
        if word.isascii():
            continue
        strange = sum(not char.isalnum() and not unicodedata.combining(char) for char in word)
        scripts = {unicodedata.name(c, "").split(" ")[0] for c in word if c.isalpha()}
        mixed = len(scripts - EAST_ASIAN) + bool(scripts & EAST_ASIAN) > 1
        turned = len(re.findall("01", "".join("01"[c.isupper()] for c in word)))
        foreign = scripts == {"LATIN"} and re.search(r"[^\x00-\x7f]{3}", word) is not None
        score += len(word) - 3 * (len(word) * (mixed or foreign) + strange + turned)
    return score


def _xspf(path: Path, content: bytes) -> list[str]:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _bad(path, "declares entities, which no playlist needs; remove its DOCTYPE")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _bad(path, f"is no XSPF ({error}); export it again") from None
    locations = (element for element in root.iter() if element.tag.rpartition("}")[2] == "location")
    return _addresses(element.text for element in locations)


def _jspf(path: Path, text: str) -> list[str]:
    try:
        rows = json.loads(text)["playlist"]["track"]
        locations = [row.get("location") for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _bad(path, "is no JSPF: it has no list 'track' in 'playlist'") from None
    return _addresses(
        one for each in locations for one in (each if isinstance(each, list) else [each])
    )


def _addresses(values: Iterable[object]) -> list[str]:
    """Addresses of tracks, relative ones decoded: they are URIs, not paths."""
    texts = [text.strip() for text in values if isinstance(text, str) and text.strip()]
    return [text if "://" in text else unquote(text) for text in texts]


def _bad(path: Path, what: str) -> DataError:
    return DataError(one_line(f"playlist {path} {what}"))


def entry_path(entry: str, *, folder: Path, path_map: Sequence[PathMap] = ()) -> str | None:
    """Absolute path that an entry names; None for an address on the web, and what is no path.

    Parameters
    ----------
    entry : str
    folder : Path
        Of the list.
    path_map : sequence of PathMap
        The first that holds the entry is applied.
    """
    path = entry
    if "://" in entry:
        try:
            address = urlsplit(entry)
        except ValueError:
            return None
        if address.scheme != "file":
            return None
        path = unquote(address.path)
        if re.match(r"/[A-Za-z]:", path):
            path = path[1:]
    mapped = next((new for each in path_map if (new := each.apply(path)) is not None), None)
    if mapped is not None:
        path = mapped
    elif "\\" in path and not os.path.exists(folder / path):  # noqa: PTH110 - of any length
        path = path.replace("\\", "/")  # written on Windows
    if not path or "\0" in path:
        return None
    if re.match(r"[A-Za-z]:/", path):
        return f"/{path}"  # of no folder here
    return os.path.abspath(folder / path)  # noqa: PTH100 - links stay as the catalogue has them
