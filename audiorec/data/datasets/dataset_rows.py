"""Tables of data sets as columns of text, and their rows as plays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, FoundFile
from audiorec.data.histories.csv import MAX_PLAYS
from audiorec.data.histories.epoch_seconds import epoch_seconds
from audiorec.data.parquet_sink import sink
from audiorec.exceptions import data_error, first_line

COLUMNS = ("user_id", "track_id", "plays", "timestamp")
UNREADABLE = "rows that cannot be read"
IMPOSSIBLE_TIME = "plays at an impossible time"
NOTHING = "rows of no plays"
MAX_UNREADABLE = 0.5
"""Fraction of rows: with more the file is not the expected one."""


class DatasetPlays(NamedTuple):
    """The listening of a data set.

    Attributes
    ----------
    plays : pl.LazyFrame
        Columns user_id, track_id, plays (float64), timestamp (int64 epoch s, or null), and skipped,
        rating and session_id where the set has them; see
        `audiorec.data.histories.imported_frame`.
    left_out : dict of str to int
        Number of rows that were left out, by kind.
    titles : pl.LazyFrame or None
        Names of its tracks, if it has them: track_id, artist, title and album as text; an id may
        occur more than once and a name may be null.
    """

    plays: pl.LazyFrame
    left_out: dict[str, int]
    titles: pl.LazyFrame | None = None


def scan_table(
    folder: DatasetFolder,
    file: ExpectedFile,
    *,
    copy: FoundFile | None = None,
    n_bytes: int | None = None,
) -> pl.LazyFrame:
    """Scan a table as columns of stripped text; null where a line has too few.

    Quotes are ordinary characters, and invalid UTF-8 is replaced. Of a compressed file, at most
    about `n_bytes` are unpacked.

    Raises
    ------
    DataError
        If it is missing, empty, damaged, or lacks a column that its header should have.
    """
    copy = copy or folder.one(file.name)
    path = folder.table(copy, n_bytes=n_bytes)
    if not path.stat().st_size:
        raise data_error(str(copy), "is empty", "fetch it again")
    how: dict[str, Any] = {
        "separator": file.separator,
        "quote_char": None,
        "truncate_ragged_lines": True,
        "encoding": "utf8-lossy",
    }
    schema = dict.fromkeys(file.columns, pl.String)
    raw = pl.scan_csv(
        path,
        has_header=False,
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        **how,
    )
    try:
        first = [str(value or "").strip("\ufeff \r") for value in raw.head(1).collect().row(0)]
    except (pl.exceptions.PolarsError, OSError, IndexError) as error:
        raise data_error(
            str(copy), f"cannot be read ({first_line(error)})", "fetch it again"
        ) from None
    if file.header or (file.header is None and first[0].lower() == file.columns[0].lower()):
        raw = pl.scan_csv(path, has_header=True, infer_schema=False, **how)
        names = {name.strip("\ufeff \r"): name for name in raw.collect_schema().names()}
        missing = [name for name in file.columns if name not in names]
        if missing:
            raise data_error(
                str(copy),
                f"has no column {missing[0]!r} (its columns: {', '.join(names)[:200]})",
                f"its first line should name {', '.join(file.columns)}, parted by tabs",
            )
        raw = raw.select(pl.col(names[name]).alias(name) for name in file.columns)
    return raw.select(pl.all().str.strip_chars("\ufeff \t\r\n"))


def plays_with_problems(
    raw: pl.LazyFrame,
    *,
    user: str,
    track: str | pl.Expr,
    plays: str | None = None,
    timestamp: str | None = None,
    latest: int | None = None,
) -> pl.LazyFrame:
    """Parse columns of text as plays, with the reason to leave out a row in column ``problem``.

    Parameters
    ----------
    raw : pl.LazyFrame
    user, track, plays, timestamp : str
        Names of the columns; without `plays` each row is one play.
    latest : int, optional
        Epoch second after which the set has no plays.
    """
    count = pl.lit(1.0) if plays is None else pl.col(plays).cast(pl.Float64, strict=False)
    time = pl.lit(None, dtype=pl.Int64)
    if timestamp is not None:
        time = pl.col(timestamp).map_batches(
            epoch_seconds, return_dtype=pl.Int64, is_elementwise=True
        )
    track_id = pl.col(track) if isinstance(track, str) else track
    typed = raw.select(user_id=pl.col(user), track_id=track_id, plays=count, timestamp=time)
    empty = pl.any_horizontal(pl.col("user_id", "track_id").fill_null("") == "")
    countless = ~pl.col("plays").is_between(0, MAX_PLAYS).fill_null(value=False)
    impossible = pl.lit(value=False)
    if timestamp is not None:
        impossible = pl.col("timestamp").is_null() | (pl.col("timestamp") <= 0)
        if latest is not None:
            impossible = impossible | (pl.col("timestamp") > latest)
    problem = (
        pl.when(empty | countless)
        .then(pl.lit(UNREADABLE))
        .when(pl.col("plays") == 0)
        .then(pl.lit(NOTHING))
        .when(impossible)
        .then(pl.lit(IMPOSSIBLE_TIME))
    )
    return typed.with_columns(problem=problem.otherwise(None))


def collect_plays(
    folder: DatasetFolder,
    frame: pl.LazyFrame,
    *,
    where: object,
    also: Mapping[str, int] | None = None,
) -> DatasetPlays:
    """Parse the rows once, and count those that are left out.

    Raises
    ------
    DataError
        If the files are damaged, no row can be used, or most cannot be read.
    """
    parsed = folder.new_file()
    try:
        sink(frame, parsed)
    except pl.exceptions.PolarsError as error:
        raise data_error(
            str(where), f"cannot be read ({first_line(error)})", "fetch it again"
        ) from None
    rows = pl.scan_parquet(parsed)
    counts = rows.group_by("problem").agg(pl.len()).collect(engine="streaming")
    by_problem = dict(counts.iter_rows())
    good = by_problem.pop(None, 0)
    total = good + sum(by_problem.values())
    wrong = by_problem.get(UNREADABLE, 0) + by_problem.get(IMPOSSIBLE_TIME, 0)
    if not good or wrong > MAX_UNREADABLE * total:
        problems = ", ".join(f"{n} {what}" for what, n in by_problem.items()) or "it has none"
        raise data_error(
            str(where),
            f"has {good} usable rows among {total} ({problems})",
            "see 'audiorec dataset check'",
        )
    left = Counter(by_problem)
    left.update(also or {})
    kept = rows.filter(pl.col("problem").is_null()).drop("problem")
    return DatasetPlays(kept, {what: n for what, n in left.most_common() if n})


class EventsOrCounts(NamedTuple):
    """Listening as timed events, as counts, or as both, in which case the events are used.

    Attributes
    ----------
    events, counts : ExpectedFile
    """

    events: ExpectedFile
    counts: ExpectedFile

    @classmethod
    def named(cls, events: str, counts: str) -> EventsOrCounts:
        """Describe two tables with a header: listener, track, and the time or the count."""
        user, track = "user_id", "track_id"
        how: dict[str, Any] = {"header": True, "group": "listening"}
        return cls(
            ExpectedFile(events, "listening events", (user, track, "timestamp"), **how),
            ExpectedFile(counts, "counts", (user, track, "count"), **how),
        )

    def read(self, folder: DatasetFolder) -> DatasetPlays:
        """Every listening event, else the counts."""
        timed = bool(folder.find(self.events.name))
        file = self.events if timed else self.counts
        user, track, last = file.columns
        rows = plays_with_problems(
            scan_table(folder, file),
            user=user,
            track=track,
            timestamp=last if timed else None,
            plays=None if timed else last,
        )
        return collect_plays(folder, rows, where=folder.one(file.name))


def playlist_rows(
    entries: Sequence[tuple[str, str]],
) -> pl.DataFrame:
    """Entries of playlists, (playlist, track), as plays: each list is a listener and a session."""
    frame = pl.DataFrame(
        entries, schema={"user_id": pl.String, "track_id": pl.String}, orient="row"
    )
    return frame.with_columns(
        plays=pl.lit(1.0),
        timestamp=pl.lit(None, dtype=pl.Int64),
        session_id=pl.col("user_id"),
    )
