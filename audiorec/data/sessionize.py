"""Sessionization of plays: rows of a frame, each with its session.

There are three sources of sessions: plays with times, split where a listener pauses for longer
than a gap; plays with a ``session_id``, whatever their times; and playlists, which are ordered but
have no time.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import polars as pl

from audiorec.data.histories import PLAYLISTS
from audiorec.data.plays import load_plays
from audiorec.exceptions import NoSessionsError, ParameterError

GAP_MINUTES = 30.0
SESSION_KEY = ["user_id", "kind", "session_id"]
"""Columns that, with ``part``, identify the session of a row."""


class SessionizedPlays(NamedTuple):
    """Plays by session.

    Attributes
    ----------
    rows : pl.DataFrame
        Those of a session, by `SESSION_KEY` and then time: ``row``, its number in the input;
        `SESSION_KEY`; ``part``, the number of the session within its key; track_id, timestamp and
        ``broken_off``.
    untimed : int
        Rows with neither a time nor a session.
    backward : int
        Sessions of a ``session_id`` whose times went backwards.
    """

    rows: pl.DataFrame
    untimed: int
    backward: int


def sessionize(plays: pl.DataFrame, *, gap_minutes: float = GAP_MINUTES) -> SessionizedPlays:
    """Assign a session to each play.

    Parameters
    ----------
    plays : pl.DataFrame
        See `audiorec.data.sessions.make_sessions`.
    gap_minutes : float
        Longest pause between the starts of two plays of one session.

    Raises
    ------
    NoSessionsError
        If there is no session at all.
    ParameterError
        If `gap_minutes` is not above 0.
    """
    if not gap_minutes > 0:
        raise ParameterError(f"gap_minutes={gap_minutes} must be above 0")
    rows = _with_kind(plays)
    untimed = rows.filter(pl.col("kind").is_null()).height
    rows = rows.filter(pl.col("kind").is_not_null())
    if rows.is_empty():
        raise NoSessionsError(
            f"there are no sessions: {untimed} plays have neither a time nor a session_id and come "
            "from no playlist; import listening with times"
        )
    backward = _backward_sessions(rows)
    rows = rows.sort([*SESSION_KEY, "timestamp", "row"], nulls_last=False)
    pause = pl.col("timestamp").diff().over(SESSION_KEY) > gap_minutes * 60
    rows = rows.with_columns(
        part=pl.when(pl.col("kind") == "timed").then(pause.fill_null(value=False)).otherwise(
            statement=False
        ).cum_sum().over(SESSION_KEY)
    )  # fmt: skip
    return SessionizedPlays(rows, untimed, backward)


class SessionRows(NamedTuple):
    """Plays with sessions in the place of listeners.

    Attributes
    ----------
    plays : pl.DataFrame
        Rows that belong to a session, with its id for ``user_id``.
    owners : dict of str to str
        Listener of each session.
    """

    plays: pl.DataFrame
    owners: dict[str, str]


def session_rows(plays: pl.DataFrame, *, gap_minutes: float = GAP_MINUTES) -> SessionRows:
    """Make plays with sessions as listeners, for co-occurrence within sessions.

    An id is a digest of the listener and of the start of the session, so that later plays change no
    id and none holds a name.

    Parameters
    ----------
    plays : pl.DataFrame
        See `audiorec.data.sessions.make_sessions`.
    gap_minutes : float

    Raises
    ------
    NoSessionsError
        If there is no session at all.
    """
    rows = sessionize(plays, gap_minutes=gap_minutes).rows
    key = [*SESSION_KEY, "part"]
    begun = rows.group_by(key).agg(pl.col("timestamp").min())
    said = begun.select(pl.concat_str(*SESSION_KEY, "timestamp", separator="\0", ignore_nulls=True))
    ids = [_session_id(text) for text in said.to_series().to_list()]
    begun = begun.with_columns(session=pl.Series(ids, dtype=pl.String)).drop("timestamp")
    of_row = rows.join(begun, on=key).select("row", "session")
    found = (
        plays.with_row_index("row")
        .join(of_row, on="row", maintain_order="left")
        .with_columns(user_id="session")
        .drop("row", "session")
    )
    return SessionRows(found, dict(begun.select("session", "user_id").iter_rows()))


def _session_id(said: str) -> str:
    return "session-" + hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def _with_kind(plays: pl.DataFrame) -> pl.DataFrame:
    """Rows with their number, the source of their session (null: none), and skips as bool."""
    optional = {"skipped": pl.Float64, "session_id": pl.String, "playlist": pl.Boolean}
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in optional.items() if n not in plays]
    broken_off = pl.col("skipped").cast(pl.Float64) > 0
    if "plays" in plays.columns:  # a row of several plays was skipped if most of them were
        broken_off = pl.col("skipped").cast(pl.Float64) * 2 > pl.col("plays")
    return (
        plays.with_columns(missing)
        .with_row_index("row")
        .with_columns(
            broken_off=broken_off.fill_null(value=False),
            kind=pl.when(pl.col("playlist").fill_null(value=False))
            .then(pl.lit("playlist"))
            .when(pl.col("session_id").is_not_null())
            .then(pl.lit("session_id"))
            .when(pl.col("timestamp").is_not_null())
            .then(pl.lit("timed")),
            session_id=pl.col("session_id").fill_null(""),
        )
        .with_columns(
            timestamp=pl.when(pl.col("kind") != "playlist").then(pl.col("timestamp")),
        )
        .select("row", *SESSION_KEY, "track_id", "timestamp", "broken_off")
    )


def _backward_sessions(rows: pl.DataFrame) -> int:
    """Sessions of a ``session_id`` with a time earlier than the one before it."""
    named = rows.filter(pl.col("kind") == "session_id")
    back = named.filter((pl.col("timestamp").diff() < 0).over(SESSION_KEY))
    return back.select(pl.struct(SESSION_KEY).n_unique()).item() if back.height else 0


def read_session_plays(directory: Path) -> pl.DataFrame:
    """Rows of all parts, in order, with the columns of sessions; repeated timed plays once."""
    rows = load_plays(directory, with_source=True)
    wanted = ("user_id", "track_id", "plays", "timestamp", "skipped", "rating", "session_id")
    listed = pl.col("source").is_in(PLAYLISTS)
    return rows.with_columns(playlist=listed).select(
        [column for column in (*wanted, "playlist") if column in (*rows.columns, "playlist")]
    )
