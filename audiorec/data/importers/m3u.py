"""Playlists as listeners: M3U and M3U8 files, one of them or all in a folder.

Whoever put tracks on one list heard something that they share, which is what a listener's plays
tell too. Each list is a listener, called by its path in the folder without the ending; each time
that a file stands on it is a play. Files are named as the catalogue names them, by absolute path.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from audiorec.data.m3u import entries, located, playlists_in
from audiorec.exceptions import DataError
from audiorec.workers import one_line


def read_playlists(file: Path) -> tuple[pl.LazyFrame, int]:
    """Read a playlist, or every playlist of a folder.

    Parameters
    ----------
    file : Path
        A playlist, or a folder; see `playlists_in`.

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
        for entry in entries(path):
            track = located(entry, folder=path.parent)
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
