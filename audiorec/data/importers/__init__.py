"""Where listening comes from: one module per file format, found by name in `IMPORTERS`.

An importer reads a file and promises rows that are whole: every id is non-empty, every count is
finite and positive, every time is a plausible one or null. What it cannot read it refuses with a
`DataError` of one line that names the file, the line, the value and the remedy.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from audiorec.data.importers import csv
from audiorec.exceptions import ParameterError

SCHEMA = {
    "user_id": pl.String,
    "track_id": pl.String,
    "plays": pl.Float64,
    "timestamp": pl.Int64,
}


class Imported(NamedTuple):
    """What an importer read.

    Attributes
    ----------
    plays : pl.LazyFrame
        Columns of `SCHEMA`; `timestamp` is the second since 1970-01-01 UTC, or null.
    skipped : int
        Rows left out because they say nothing: a count of zero.
    """

    plays: pl.LazyFrame
    skipped: int


class Importer(Protocol):
    """Read a file of listening; `scratch` is a directory for what has to be unpacked."""

    def __call__(self, file: Path, *, scratch: Path) -> Imported: ...


def _csv(file: Path, *, scratch: Path) -> Imported:
    return Imported(*csv.read_plays(file, scratch=scratch))


IMPORTERS: dict[str, Importer] = {"csv": _csv}


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
