"""Decoding of playlists in any code page, which the listed files reveal."""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from audiorec.data.playlist_files.entry_paths import entry_path

HEAD = 4096  # bytes in which a playlist declares its encoding
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # starts with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CODE_PAGES = (
    *("cp1252", "cp1251", "cp1250", "cp1253", "cp932", "gb18030", "euc_kr", "big5"),
    *("koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp850", "mac_roman"),
)
"""Code pages of players for lists that are not UTF-8, the most common first."""
EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL"))
PLS_ENTRY = re.compile(rb"^\s*File\d+\s*=", re.IGNORECASE)
DIRECTIVE = re.compile(rb"^#EXTENC:\s*([\w-]+)", re.IGNORECASE | re.MULTILINE)


def decode_playlist(content: bytes, *, folder: Path) -> str:
    """Decode a playlist by its byte order mark, as UTF-8, or in the code page that fits best.

    Parameters
    ----------
    content : bytes
    folder : Path
        Of the list: most of its files exist under the names in the right code page.
    """
    for bom, encoding in BOMS:
        if content.startswith(bom):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_code_page(content, folder=folder), "replace")


def _code_page(content: bytes, *, folder: Path) -> str:
    """The declared code page of a list, else the one in which most of its files exist.

    If no files exist in any, it is the one that gives the most plausible words, the most common
    code page first: entries are then found by other means, or named as they were read.
    """
    if (named := DIRECTIVE.search(content[:HEAD])) is not None:
        try:
            return codecs.lookup(named[1].decode()).name
        except LookupError:
            pass
    foreign_lines = b"\n".join(
        PLS_ENTRY.sub(b"", line)
        for line in content.splitlines()
        if not line.isascii() and not line.startswith(b"#")
    )

    def there(page: str) -> int:
        paths = (
            entry_path(entry, folder=folder)
            for entry in entry_lines(foreign_lines.decode(page, "replace"))
        )
        return sum(path is not None and os.path.exists(path) for path in paths)  # noqa: PTH110 - of any length

    return max(
        CODE_PAGES,
        key=lambda page: (there(page), _plausibility(foreign_lines.decode(page, "replace"))),
    )


def _plausibility(text: str) -> int:
    """Plausibility of a text: words of one script each, in lower case after the first letter.

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


def entry_lines(text: str) -> Iterator[str]:
    """Lines of an M3U that are neither empty nor comments."""
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            yield line
