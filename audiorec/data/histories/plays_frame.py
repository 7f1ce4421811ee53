"""Columns of the frame of plays that is read from a file of columns: our own CSV, and playlists.

An importer reads a file and promises rows that are whole: every id is non-empty, every count is
finite and not negative, every time is a plausible one or null, every row says something. What it
cannot read it refuses with a `DataError` of one line that names the file, the line, the value and
the remedy.
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
"""Columns that stand in the rows of a file that tells of skips, ratings and sessions."""


class ImportedFrame(NamedTuple):
    """What an importer read.

    Attributes
    ----------
    plays : pl.LazyFrame
        Columns of `SCHEMA`, and those of `OPTIONAL` that the file has. `timestamp` is the second
        since 1970-01-01 UTC, or null; `plays` counts every start, `skipped` those broken off (or
        null); `rating` lies between -1 and 1 (or is null).
    skipped : int
        Rows left out because they say nothing: no play, no skip, no liking or disliking.
    problems : tuple of (str, str)
        Path of each of several files that cannot be read, and a line that says why.
    """

    plays: pl.LazyFrame
    skipped: int
    problems: tuple[tuple[str, str], ...] = ()
