"""Playlists as listeners: M3U and M3U8 files, one of them or all in a folder.

Whoever put tracks on one list heard something that they share, which is what a listener's plays
tell too. Each list is a listener, called by its path in the folder without the ending; each time
that a file stands on it is a play. Files are named as the catalogue names them, by absolute path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl

from audiorec.exceptions import DataError
from audiorec.workers import one_line

SUFFIXES = (".m3u", ".m3u8")


def read_playlists(file: Path) -> tuple[pl.LazyFrame, int]:
    """Read a playlist, or every playlist of a folder.

    Parameters
    ----------
    file : Path
        A playlist, or a folder with playlists at any depth; hidden ones are passed by.

    Returns
    -------
    plays : pl.LazyFrame
        Columns user_id, track_id (a path), plays and timestamp (null).
    skipped : int
        Entries left out because they are addresses on the web.

    Raises
    ------
    DataError
        If there is no playlist, one cannot be read, or none names a file.
    """
    if not file.exists():
        raise DataError(one_line(f"there is no playlist or folder {file}; check the path"))
    lists = playlists_in(file) if file.is_dir() else [file]
    if not lists:
        raise DataError(one_line(f"folder {file} holds no playlist (.m3u or .m3u8); name another"))
    root = file if file.is_dir() else file.parent
    counts: dict[tuple[str, str], int] = {}
    skipped = 0
    for path in lists:
        listener = path.relative_to(root).with_suffix("").as_posix()
        for entry in _entries(path):
            track = _located(entry, folder=path.parent)
            if track is None:
                skipped += 1
            else:
                counts[listener, track] = counts.get((listener, track), 0) + 1
    if not counts:
        raise DataError(one_line(f"no playlist in {file} names a file; name another"))
    rows = [(user, track, float(n), None) for (user, track), n in counts.items()]
    schema = {
        "user_id": pl.String,
        "track_id": pl.String,
        "plays": pl.Float64,
        "timestamp": pl.Int64,
    }
    return pl.LazyFrame(rows, schema=schema, orient="row"), skipped


def playlists_in(folder: Path) -> list[Path]:
    """Playlists in a folder and the folders in it, sorted; hidden ones are passed by."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def _entries(path: Path) -> Iterator[str]:
    """What a playlist lists; comments and empty lines are none of it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(
            one_line(f"playlist {path} cannot be read: {reason}; check its permissions")
        ) from None
    if b"\0" in content:
        raise DataError(one_line(f"playlist {path} is no text; remove it, or save it as M3U8"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # .m3u has no encoding of its own; this is the commonest
        text = content.decode("cp1252", errors="replace")
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            yield line


def _located(entry: str, *, folder: Path) -> str | None:
    """Absolute path that an entry names; None for an address on the web."""
    if "://" in entry:
        address = urlsplit(entry)
        return os.path.abspath(unquote(address.path)) if address.scheme == "file" else None  # noqa: PTH100
    path = os.path.abspath(folder / entry)  # noqa: PTH100 - links stay as the catalogue has them
    if "\\" in entry and not Path(path).exists():  # written on Windows
        return os.path.abspath(folder / entry.replace("\\", "/"))  # noqa: PTH100
    return path
