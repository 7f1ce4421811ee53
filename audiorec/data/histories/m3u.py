"""Playlists as listeners: M3U and M3U8 files, one of them or all in a folder.

Tracks that a person put on one list have something in common, just as a listener's plays do. Each
list is a listener, named by its path in the folder without the suffix; each entry of a file is a
play. Files are named as in the catalogue, by absolute path.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from audiorec.data.catalog import as_text
from audiorec.data.histories.export_files import ExportFile
from audiorec.data.playlist_files import SUFFIXES, PathMap, entries, entry_path, playlists_in
from audiorec.exceptions import DataError
from audiorec.printable_text import one_line

TITLE = "M3U playlists"
EXPORT = "save playlists as M3U or M3U8 in your player; each playlist counts as a listener"
Problems = tuple[tuple[str, str], ...]


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return member.suffix in (".m3u", ".m3u8", ".pls")


def read_playlists(
    file: Path, *, path_map: Sequence[PathMap] = ()
) -> tuple[pl.LazyFrame, int, Problems]:
    """Read a playlist, or every playlist of a folder.

    Parameters
    ----------
    file : Path
        A playlist, or a folder; see `playlists_in`.
    path_map : sequence of PathMap
        See `audiorec.data.playlist_files.entry_paths.entry_path`.

    Returns
    -------
    plays : pl.LazyFrame
        Columns user_id, track_id (a path), plays and timestamp (null).
    skipped : int
        Entries left out because they are web addresses, or not paths.
    problems : tuple of (str, str)
        Path of each unreadable playlist of a folder, and the reason in one line.

    Raises
    ------
    DataError
        If there is no playlist, none can be read, or none contains a file.
    """
    if not file.exists():
        raise DataError(one_line(f"there is no playlist or folder {file}; check the path"))
    lists = playlists_in(file) if file.is_dir() else [file]
    if not lists:
        known = ", ".join(SUFFIXES)
        raise DataError(one_line(f"folder {file} holds no playlist ({known}); name another"))
    root = file if file.is_dir() else file.parent
    # A row for every entry: the order matters where a track is repeated.
    rows: list[tuple[str, str, float, None]] = []
    skipped = 0
    problems: list[tuple[str, str]] = []
    for path in lists:
        listener = as_text(Path(os.path.relpath(path, root)).with_suffix("").as_posix())
        try:
            listed = list(entries(path))
        except DataError as error:
            problems.append((as_text(path), str(error)))
            continue
        for entry in listed:
            track = entry_path(entry, folder=path.parent, path_map=path_map)
            if track is None:
                skipped += 1
            else:
                rows.append((listener, as_text(track), 1.0, None))
    if len(problems) == len(lists):
        raise DataError(problems[0][1])
    if not rows:
        raise DataError(one_line(f"no playlist in {file} names a file; name another"))
    schema = {
        "user_id": pl.String,
        "track_id": pl.String,
        "plays": pl.Float64,
        "timestamp": pl.Int64,
    }
    return pl.LazyFrame(rows, schema=schema, orient="row"), skipped, tuple(problems)
