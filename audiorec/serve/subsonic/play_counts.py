"""Play counts of tracks, over all plays of the workspace."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import polars as pl

from audiorec import artifacts
from audiorec.data.plays import load_plays, stored_names
from audiorec.data.server.listening import SOURCE
from audiorec.exceptions import AudiorecError
from audiorec.serve.listening import PlayCount

if TYPE_CHECKING:
    from audiorec.serve.state import ServerState

SETTLE_FACTOR = 10.0  # rereading changing plays takes at most a tenth of the time


class PlayCounts:
    """Counts of the stored plays, reread when they change.

    Parameters
    ----------
    state : ServerState
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._made: object = None
        self._read_at, self._seconds = 0.0, 0.0
        self._totals: dict[str, float] = {}
        self._imported: dict[str, dict[str, PlayCount]] = {}

    def totals(self) -> dict[str, float]:
        """Return the plays of all listeners, by track_id."""
        self._refresh()
        return self._totals

    def imported(self, user: str) -> dict[str, PlayCount]:
        """Return a user's imported plays, by track_id; the last is 0 where no play has a time."""
        self._refresh()
        return self._imported.get(user, {})

    def _refresh(self) -> None:
        directory = self._state.workspace.plays
        with self._lock:
            if time.monotonic() - self._read_at < SETTLE_FACTOR * self._seconds:
                return
            try:
                if not artifacts.exists(directory):
                    return
                plays = artifacts.load_manifest(directory, kind="plays", check="manifest")
                if plays.fingerprint == self._made:
                    return
                began = time.monotonic()
                self._read()
                self._made, self._read_at = plays.fingerprint, time.monotonic()
                self._seconds = self._read_at - began
            except AudiorecError:
                return  # being written, or damaged: keep the previous counts

    def _read(self) -> None:
        workspace = self._state.workspace
        frame = load_plays(workspace.plays, with_source=True)
        if "skipped" in frame.columns:
            net = pl.col("plays") - pl.col("skipped").fill_null(0.0)
            frame = frame.with_columns(plays=net)
        frame = frame.filter(pl.col("plays") > 0)
        sums = frame.group_by("track_id").agg(pl.col("plays").sum())
        self._totals = dict(sums.iter_rows())
        names = stored_names(self._state.auth.users(), workspace=workspace)
        self._imported = {user: _counts(frame, stored) for user, stored in names.items()}


def _counts(frame: pl.DataFrame, user: str) -> dict[str, PlayCount]:
    """Count a listener's plays except those of the server, which counts its own."""
    own = frame.filter((pl.col("user_id") == user) & (pl.col("source") != SOURCE))
    sums = own.group_by("track_id").agg(
        pl.col("plays").sum().round().cast(pl.Int64), pl.col("timestamp").max().fill_null(0)
    )
    return {track_id: PlayCount(plays, last) for track_id, plays, last in sums.iter_rows()}
