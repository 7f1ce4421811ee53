"""Sessions: the tracks that one listener played in one sitting, in order.

There are three sources: plays with times, split where a listener pauses for longer than a gap;
plays with a ``session_id``, whatever their times; and playlists, which are ordered but have no
time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from audiorec.data.sessionize import GAP_MINUTES, SESSION_KEY, read_session_plays, sessionize
from audiorec.exceptions import NoSessionsError
from audiorec.id_map import IdMap


class SessionLosses(NamedTuple):
    """Counts of the plays left out of sessions, and of those put in order.

    Attributes
    ----------
    untimed : int
        Rows with neither a time nor a session.
    single_sessions : int
        Sessions with fewer than two plays that were not skipped.
    rare_items : int
        Items with fewer plays than the minimum support.
    backward_sessions : int
        Sessions of a ``session_id`` whose times went backwards in the file: sorted.
    tied_events : int
        Events at the same time as the one before in their session: kept in the order of the file.
    """

    untimed: int = 0
    single_sessions: int = 0
    rare_items: int = 0
    backward_sessions: int = 0
    tied_events: int = 0

    def summary(self) -> str:
        """Describe the nonzero counts in one line; empty where there are none."""
        words = {
            "untimed": "plays without a time",
            "single_sessions": "sessions of one play",
            "rare_items": "tracks played too rarely",
        }
        left_out = [f"{getattr(self, k)} {what}" for k, what in words.items() if getattr(self, k)]
        parts = [f"left out {', '.join(left_out)}"] if left_out else []
        if self.backward_sessions:
            parts.append(f"{self.backward_sessions} sessions sorted whose times went backwards")
        if self.tied_events:
            parts.append(f"{self.tied_events} plays at equal times kept in the order of the file")
        return "; ".join(parts)


NOTHING = SessionLosses()


@dataclass(frozen=True, eq=False)
class Sessions:
    """Sessions in the order of their starts, those without a time first.

    Parameters
    ----------
    item_ids : tuple of str
        Ids of the items, by row.
    items : np.ndarray [shape=(n_events,)], int32
        Row of each event's item, session by session, in order.
    offsets : np.ndarray [shape=(n_sessions + 1,)], int64
        First event of each session in `items`.
    starts : np.ndarray [shape=(n_sessions,)], float64, seconds since 1970
        NaN where unknown.
    skipped : np.ndarray [shape=(n_events,)], bool
        Whether the play was skipped.
    left_out : SessionLosses
    """

    item_ids: tuple[str, ...]
    items: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    skipped: np.ndarray
    left_out: SessionLosses = NOTHING

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def n_items(self) -> int:
        """Items, those without an event included."""
        return len(self.item_ids)

    @property
    def n_events(self) -> int:
        """Plays, skipped ones included."""
        return len(self.items)

    @property
    def lengths(self) -> np.ndarray:
        """Events of each session : np.ndarray [shape=(n_sessions,)], int64."""
        return np.diff(self.offsets)

    @property
    def session_rows(self) -> np.ndarray:
        """Session of each event : np.ndarray [shape=(n_events,)], int64."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def supports(self) -> np.ndarray:
        """Plays of each item that were not skipped : np.ndarray [shape=(n_items,)], int64."""
        return np.bincount(self.items[~self.skipped], minlength=self.n_items)

    def session(self, row: int) -> np.ndarray:
        """Items of one session : np.ndarray [shape=(length,)], int32."""
        return self.items[self.offsets[row] : self.offsets[row + 1]]

    def take(self, rows: np.ndarray) -> Sessions:
        """Select sessions by row, in ascending order; the items stay."""
        chosen = np.zeros(len(self), dtype=bool)
        chosen[rows] = True
        events = np.repeat(chosen, self.lengths)
        offsets = np.concatenate([[0], np.cumsum(self.lengths[chosen])])
        return replace(
            self,
            items=self.items[events],
            skipped=self.skipped[events],
            offsets=offsets,
            starts=self.starts[chosen],
        )

    def only_events(self, keep: np.ndarray) -> Sessions:
        """Select events; sessions left with fewer than two unskipped ones are dropped.

        Parameters
        ----------
        keep : np.ndarray [shape=(n_events,)], bool
        """
        rows = self.session_rows
        plays = np.bincount(rows[keep & ~self.skipped], minlength=len(self))
        enough = plays >= 2
        keep = keep & enough[rows]
        lengths = np.bincount(rows[keep], minlength=len(self))[enough]
        return replace(
            self,
            items=self.items[keep],
            skipped=self.skipped[keep],
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            starts=self.starts[enough],
        )

    def with_items(self, item_ids: Sequence[str]) -> Sessions:
        """The same sessions, with items extended to these ids, which include theirs."""
        rows = IdMap(item_ids).rows(self.item_ids)
        items = np.asarray(rows, dtype=np.int32)[self.items]
        return replace(self, item_ids=tuple(item_ids), items=items)

    def pruned(self, *, min_support: int) -> Sessions:
        """Drop items with fewer plays and sessions of one, until all that stay have enough.

        Returns
        -------
        sessions : Sessions
            Of the remaining items alone, with the number of those dropped.
        """
        kept = self.only_events(np.ones(self.n_events, dtype=bool))
        while True:
            rare = kept.supports < min_support
            if not rare[kept.items].any():
                break
            kept = kept.only_events(~rare[kept.items])
        stays = kept.supports > 0
        kept = kept.only_events(stays[kept.items])
        rows = np.cumsum(stays) - 1
        left_out = self.left_out._replace(
            single_sessions=self.left_out.single_sessions + len(self) - len(kept),
            rare_items=self.left_out.rare_items + int((~stays).sum()),
        )
        return replace(
            kept,
            item_ids=tuple(id_ for id_, stay in zip(self.item_ids, stays, strict=True) if stay),
            items=rows[kept.items].astype(np.int32),
            left_out=left_out,
        )


def make_sessions(plays: pl.DataFrame, *, gap_minutes: float = GAP_MINUTES) -> Sessions:
    """Split plays into sessions.

    Parameters
    ----------
    plays : pl.DataFrame
        Columns user_id, track_id, timestamp (int64 or float64, s, or null) and, optionally,
        skipped (float64 or null), session_id (str or null) and playlist (bool: each user_id is a
        playlist, in the order of its rows).
    gap_minutes : float
        Longest pause between the starts of two plays of one session.

    Returns
    -------
    sessions : Sessions
        Sessions of one play included; see `Sessions.pruned`.

    Raises
    ------
    NoSessionsError
        If there is no session at all.
    ParameterError
        If `gap_minutes` is not above 0.
    """
    rows, untimed, backward = sessionize(plays, gap_minutes=gap_minutes)
    key = [*SESSION_KEY, "part"]
    rows = rows.with_columns(
        start=pl.col("timestamp").min().over(key).cast(pl.Float64),
        tied=(pl.col("timestamp").diff() == 0).over(key).fill_null(value=False),
    ).sort(["start", *key], nulls_last=False, maintain_order=True)
    counts = rows.group_by(key, maintain_order=True).agg(pl.len(), pl.col("start").first())
    ids = rows["track_id"].unique().sort()
    codes = rows["track_id"].cast(pl.Enum(ids)).to_physical()
    left_out = SessionLosses(
        untimed=untimed, backward_sessions=backward, tied_events=int(rows["tied"].sum())
    )
    return Sessions(
        item_ids=tuple(ids.to_list()),
        items=codes.to_numpy().astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(counts["len"].to_numpy())]).astype(np.int64),
        starts=counts["start"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        skipped=rows["broken_off"].to_numpy(),
        left_out=left_out,
    )


MIN_SUPPORT = 2  # plays in sessions of a track that session models recommend


def load_sessions(
    directory: Path,
    *,
    gap_minutes: float = GAP_MINUTES,
    min_support: int = 1,
    without_users: Collection[str] = (),
) -> Sessions:
    """Make sessions of the stored listening.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".
    gap_minutes : float
        See `make_sessions`.
    min_support : int
        See `Sessions.pruned`.
    without_users : collection of str
        Listeners to leave out, such as bots.

    Raises
    ------
    ArtifactError
        If nothing is stored, or it is damaged.
    NoSessionsError
        If there is no session of two plays.
    """
    plays = read_session_plays(directory)
    if without_users:
        plays = plays.filter(~pl.col("user_id").is_in(list(without_users)))
    sessions = make_sessions(plays, gap_minutes=gap_minutes).pruned(min_support=min_support)
    if not len(sessions):
        raise NoSessionsError(
            f"no session has two plays of tracks with at least {min_support} plays each "
            f"({sessions.left_out.summary()}); import more listening with times"
        )
    return sessions
