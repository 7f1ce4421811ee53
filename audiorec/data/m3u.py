"""M3U and M3U8: which files are playlists, who made them, and what they list."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from audiorec.data.folders import rules_for, walk_folder
from audiorec.exceptions import DataError, system_reason
from audiorec.workers import one_line

SUFFIXES = (".m3u", ".m3u8")
OWN = "#CREATOR:audiorec"
"""Comment in lists that audiorec wrote: no listener made them, so they count as none."""
MOST = 1 << 24  # bytes of a playlist: some 200,000 entries
HEAD = 4096  # bytes in which it stands


def playlists_in(folder: Path) -> list[Path]:
    """Playlists in a folder and the folders in it, sorted.

    Hidden ones are passed by, and those that audiorec itself wrote.
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
            return OWN.encode() in file.read(HEAD).splitlines()
    except OSError:
        return False  # `entries` says what is wrong with it


def entries(path: Path) -> Iterator[str]:
    """What a playlist lists; comments and empty lines are none of it.

    Raises
    ------
    DataError
        If it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except OSError as error:
        reason = system_reason(error).lower()
        raise DataError(
            one_line(f"playlist {path} cannot be read: {reason}; check its permissions")
        ) from None
    if len(content) > MOST:
        raise DataError(
            one_line(f"playlist {path} has more than {MOST >> 20} MB; remove it, or split it")
        )
    if b"\0" in content:
        raise DataError(one_line(f"playlist {path} is no text; remove it, or save it as M3U8"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # .m3u has no encoding of its own; this is the commonest
        text = content.decode("cp1252", errors="replace")
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            yield line


def located(entry: str, *, folder: Path) -> str | None:
    """Absolute path that an entry names; None for an address on the web, and what is no path."""
    if "://" in entry:
        try:
            address = urlsplit(entry)
        except ValueError:
            return None
        path = unquote(address.path) if address.scheme == "file" else ""
    else:
        path = entry
        if "\\" in entry and not os.path.exists(folder / entry):  # noqa: PTH110 - of any length
            path = entry.replace("\\", "/")  # written on Windows
    if not path or "\0" in path:
        return None
    return os.path.abspath(folder / path)  # noqa: PTH100 - links stay as the catalogue has them
