"""Rules that classify a listen as a play or a skip, and the frame of a history's listens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

import polars as pl

from audiorec.data.histories import PLAY_FRACTION, PLAY_SECONDS, SKIP_SECONDS, Listen
from audiorec.data.histories.listen import SAME_PLAY_SECONDS

SCHEMA: dict[str, Any] = {
    "artist": pl.String,
    "title": pl.String,
    "album": pl.String,
    "timestamp": pl.Int64,
    "seconds": pl.Float64,
    "duration": pl.Float64,
    "finished": pl.Boolean,
    "skipped": pl.Boolean,
    "plays": pl.Float64,
    "skips": pl.Float64,
    "rating": pl.Float64,
    "recording_mbid": pl.String,
    "path": pl.String,
    "user": pl.String,
}


def is_play() -> pl.Expr:
    """Whether a single listen of a frame of `SCHEMA` is a play.

    Where the length is unknown, 30 seconds are enough unless the listener is known to have skipped:
    streaming services count by that.
    """
    half = pl.col("duration") * PLAY_FRACTION
    unknown = pl.when(pl.col("skipped").fill_null(value=False)).then(PLAY_SECONDS)
    limit = pl.min_horizontal(half, pl.lit(PLAY_SECONDS))
    enough = pl.when(half.is_null()).then(unknown.otherwise(SKIP_SECONDS)).otherwise(limit)
    long_enough = pl.col("seconds") >= enough
    untold = pl.col("seconds").is_null() & ~pl.col("skipped").fill_null(value=False)
    return pl.col("finished").fill_null(value=False) | long_enough.fill_null(value=False) | untold


def is_skip() -> pl.Expr:
    """Whether a single listen of a frame of `SCHEMA` is a skip; one of no time at all is not."""
    gone_on = pl.col("skipped").fill_null(value=False)
    short = (pl.col("seconds") < SKIP_SECONDS) & ((pl.col("seconds") > 0) | gone_on)
    return ~is_play() & (short.fill_null(value=False) | (pl.col("seconds").is_null() & gone_on))


NAME = ("artist", "title", "album", "recording_mbid", "path")
"""Columns that identify a recording; see `audiorec.data.names.listen_matching.TrackName`."""
ROWS_AT_A_TIME = 50_000
SOURCE = "source"
"""Column of the format from which a row was imported."""
KEY = "listen:"
"""Prefix of the keys of names, which distinguishes them from ids of tracks."""


class Plays(NamedTuple):
    """Plays and skips of a frame of listens, and counts of the other listens.

    Attributes
    ----------
    frame : pl.DataFrame
        user_id, track_id (a key), plays, timestamp, skipped, rating.
    neither : int
        Listens that are neither a play nor a skip.
    duplicates : int
        Listens that repeat another one.
    """

    frame: pl.DataFrame
    neither: int
    duplicates: int


def to_frame(listens: Iterable[Listen]) -> pl.DataFrame:
    """Make a frame of `SCHEMA` and ``key``, the recording, of listens; in batches."""
    stream = iter(listens)
    parts = []
    while batch := list(islice(stream, ROWS_AT_A_TIME)):
        keys = [name_key(listen) for listen in batch]
        part = pl.DataFrame(batch, schema=SCHEMA, orient="row")
        parts.append(part.with_columns(pl.Series("key", keys, dtype=pl.String)))
    return pl.concat(parts) if parts else pl.DataFrame(schema={**SCHEMA, "key": pl.String})


def name_key(listen: Listen) -> str:
    """Make a key of a recording: equal where artist, title, album, id and path are."""
    joined = "\0".join(getattr(listen, column) for column in NAME)
    return KEY + hashlib.blake2b(joined.encode("utf-8", "replace"), digest_size=12).hexdigest()


def names_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Distinct recordings: ``key``, the columns of `NAME` and ``duration`` where known."""
    return frame.group_by("key", maintain_order=True).agg(
        pl.col(*NAME).first(), pl.col("duration").median()
    )


def with_durations(frame: pl.DataFrame, durations: pl.DataFrame) -> pl.DataFrame:
    """Fill in missing lengths: that of the track, or of listens completed to the end.

    Parameters
    ----------
    frame : pl.DataFrame
        Of `SCHEMA` and ``key``.
    durations : pl.DataFrame
        Columns ``key`` and ``matched_duration``, s, of tracks in the catalogue.
    """
    finished = (
        frame.filter(pl.col("finished").fill_null(value=False) & (pl.col("seconds") > 0))
        .group_by("key")
        .agg(pl.col("seconds").median().alias("finished_after"))
    )
    return (
        frame.join(durations, on="key", how="left", maintain_order="left")
        .join(finished, on="key", how="left", maintain_order="left")
        .with_columns(duration=pl.coalesce("duration", "matched_duration", "finished_after"))
        .drop("matched_duration", "finished_after")
    )


def to_plays(frame: pl.DataFrame, *, user: str | None, ids: Mapping[str, str]) -> Plays:
    """Convert a frame of listens to plays, skips and counts.

    Parameters
    ----------
    frame : pl.DataFrame
        Of `SCHEMA` and ``key``.
    user : str or None
        The listener; by None, the names in the listens.
    ids : mapping of str to str
        The track of each key: two spellings of a name are one track.
    """
    # The rule applies to rows of one listen; rows of counts were counted by their program.
    single = (pl.col("plays") == 1) & (pl.col("skips") == 0)
    single &= pl.col("seconds").is_not_null() | pl.col("skipped").is_not_null()
    play, skip = is_play(), is_skip()
    informative = (pl.col("plays") + pl.col("skips") > 0) | pl.col("rating").is_not_null()
    kept = frame.filter(pl.when(single).then(play | skip).otherwise(informative))
    plays = kept.select(
        user_id=pl.lit(user, dtype=pl.String) if user is not None else pl.col("user"),
        track_id=pl.col("key"),
        plays=pl.when(single).then(1.0).otherwise(pl.col("plays") + pl.col("skips")),
        timestamp=pl.col("timestamp"),
        skipped=pl.when(single).then((~play).cast(pl.Float64)).otherwise(pl.col("skips")),
        rating=pl.col("rating"),
    )
    timed = plays.filter(pl.col("timestamp").is_not_null())
    counts = plays.filter(pl.col("timestamp").is_null())
    tracks = pl.col("track_id").replace_strict(ids, return_dtype=pl.String)
    once = merge_repeated_plays(timed.with_columns(key="track_id", track_id=tracks))
    once = once.with_columns(track_id="key").drop("key")
    return Plays(pl.concat([once, counts]), len(frame) - len(kept), len(timed) - len(once))


def merge_repeated_plays(timed: pl.DataFrame, *, apart: pl.Expr | None = None) -> pl.DataFrame:
    """Merge plays of one listener and track that begin within 60 seconds.

    Parameters
    ----------
    timed : pl.DataFrame
        Columns user_id, track_id, timestamp (none null) and skipped.
    apart : pl.Expr, optional
        Rows that never repeat each other, such as those of a user's own table.

    Returns
    -------
    once : pl.DataFrame
        In the order of listener, track and time. The first of several is kept; it counts as
        completed
        if any of them was.
    """
    by = ["user_id", "track_id"]
    alone = pl.lit(value=False) if apart is None else apart
    frame = timed.sort(*by, "timestamp", maintain_order=True).with_columns(_alone=alone)
    gap = pl.col("timestamp").diff().over(by)
    close = (gap <= SAME_PLAY_SECONDS).fill_null(value=False)
    if not frame.select(close.any()).item():
        return frame.drop("_alone")
    involved = frame.select(close.any().over(by)).to_series()
    rows = frame.with_row_index("_row").filter(involved)
    drop: set[int] = set()
    users: set[int] = set()
    last: tuple[str, str, int, bool, int] | None = None
    for user, track, time, skipped, single, row in rows.select(
        *by, "timestamp", "skipped", "_alone", "_row"
    ).iter_rows():
        same = last is not None and last[:2] == (user, track)
        near = same and last is not None and time - last[2] <= SAME_PLAY_SECONDS
        if near and last is not None and not (single and last[3]):
            drop.add(row)
            if not skipped:
                users.add(last[4])
            continue
        last = (user, track, time, single, row)
    index = pl.int_range(pl.len())
    through = index.is_in(sorted(users)) & (pl.col("skipped") > 0)
    return (
        frame.with_columns(skipped=pl.when(through).then(0.0).otherwise(pl.col("skipped")))
        .filter(~pl.int_range(pl.len()).is_in(sorted(drop)))
        .drop("_alone")
    )


def drop_counts_with_events(counts: pl.DataFrame, timed: pl.DataFrame) -> pl.DataFrame:
    """Drop counts of listeners and tracks that have plays with times; ratings are kept.

    Parameters
    ----------
    counts, timed : pl.DataFrame
        Columns user_id, track_id, plays, skipped and rating.
    """
    known = timed.select("user_id", "track_id").unique().with_columns(_timed=pl.lit(value=True))
    joined = counts.join(known, on=["user_id", "track_id"], how="left", maintain_order="left")
    over = pl.col("_timed").fill_null(value=False)
    return (
        joined.with_columns(
            plays=pl.when(over).then(0.0).otherwise(pl.col("plays")),
            skipped=pl.when(over).then(None).otherwise(pl.col("skipped")),
        )
        .filter((pl.col("plays") > 0) | pl.col("rating").is_not_null())
        .drop("_timed")
    )


def prefer_feedback_ratings(plays: pl.DataFrame) -> pl.DataFrame:
    """Replace other ratings of a track by those that a listener gave here.

    Parameters
    ----------
    plays : pl.DataFrame
        With the columns rating and ``source``.
    """
    is_feedback = pl.col(SOURCE) == "feedback"
    over = is_feedback.any().over("user_id", "track_id") & ~is_feedback
    return plays.with_columns(rating=pl.when(over).then(None).otherwise(pl.col("rating"))).filter(
        (pl.col("plays") > 0) | pl.col("rating").is_not_null()
    )
