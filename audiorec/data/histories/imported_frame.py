"""Columns of the frame of plays that is read from a file of columns: our own CSV, and playlists.

An importer reads a file and guarantees valid rows: every id is nonempty, every count is finite and
not negative, every time is plausible or null, no row is without information. For a file that it
cannot read it raises a `DataError` of one line: the file, the line, the value and the remedy.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

SCHEMA = {
    "user_id": pl.String,
    "track_id": pl.String,
    "plays": pl.Float64,
    "timestamp": pl.Int64,
}
OPTIONAL = {
    "skipped": pl.Float64,
    "rating": pl.Float64,
    "session_id": pl.String,
}
"""Columns of files with skips, ratings and sessions."""


class ImportedFrame(NamedTuple):
    """Plays read by an importer, with the number of rows left out and unreadable files.

    Attributes
    ----------
    plays : pl.LazyFrame
        Columns of `SCHEMA`, and those of `OPTIONAL` that the file has. `timestamp` is the second
        since 1970-01-01 UTC, or null; `plays` counts every start, `skipped` those skipped (or
        null); `rating` lies between -1 and 1 (or is null).
    skipped : int
        Rows left out because they have no play, no skip, no like and no dislike.
    problems : tuple of (str, str)
        Path of each of several unreadable files, and the reason in one line.
    """

    plays: pl.LazyFrame
    skipped: int
    problems: tuple[tuple[str, str], ...] = ()
