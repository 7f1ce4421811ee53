"""Listening in columns that the importer knows already: our own CSV, and playlists.

An importer reads a file and promises rows that are whole: every id is non-empty, every count is
finite and not negative, every time is a plausible one or null, every row says something. What it
cannot read it refuses with a `DataError` of one line that names the file, the line, the value and
the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from audiorec.data.histories import csv, m3u
from audiorec.data.playlist_files.playlist_files import PathMap
from audiorec.exceptions import ParameterError

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


class Importer(Protocol):
    """Read a file of listening; `scratch` is a directory for what has to be unpacked.

    `neutral` says that ratings are 1 to 5, and which of these is neither liking nor disliking.
    """

    def __call__(
        self, file: Path, *, scratch: Path, neutral: float | None = None, **how: Any
    ) -> ImportedFrame: ...


def _csv(file: Path, *, scratch: Path, neutral: float | None = None, **_how: Any) -> ImportedFrame:
    return ImportedFrame(*csv.read_plays(file, scratch=scratch, neutral=neutral))


def _m3u(
    file: Path,
    *,
    scratch: Path,
    neutral: float | None = None,
    path_map: Sequence[PathMap] = (),
    **_how: Any,
) -> ImportedFrame:
    if neutral is not None:
        raise ParameterError(f"neutral={neutral:g} is for ratings, and playlists have none")
    return ImportedFrame(*m3u.read_playlists(file, path_map=path_map))


IMPORTERS: dict[str, Importer] = {"csv": _csv, "m3u": _m3u}
BY_PATH = frozenset({"m3u"})
"""Sources that name tracks by their files."""


def get_importer(source: str) -> Importer:
    """Importer of a source by its name.

    Raises
    ------
    ParameterError
        If no importer has the name.
    """
    try:
        return IMPORTERS[source]
    except KeyError:
        known = ", ".join(sorted(IMPORTERS))
        raise ParameterError(f"source={source!r} is unknown; use one of: {known}") from None
