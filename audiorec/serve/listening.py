"""Feedback received by the server: plays, skips, likes, stars, ratings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, NamedTuple

from audiorec.data.histories import PLAY_FRACTION, PLAY_SECONDS, SKIP_SECONDS
from audiorec.data.histories.field_values import normalize_rating
from audiorec.data.server import ServerStore, add_event, is_pending, store_server_plays
from audiorec.data.server.listening import SCHEMA
from audiorec.exceptions import AudiorecError, ParameterError
from audiorec.workspace import Workspace

StarKind = Literal["track", "album", "artist"]
Played = Literal["play", "skip", ""]
SETTLE_SECONDS = 1.0  # after the last event, before it is added to the plays
RETRY_SECONDS = 15.0  # while another process writes there
NOW_PLAYING_SECONDS = 600.0
MOST_NOW_PLAYING = 200


class Opinion(NamedTuple):
    """A listener's rating, like or star of a track."""

    liked: bool
    disliked: bool
    stars: int
    starred_at: int | None


class PlayCount(NamedTuple):
    """Number of plays of a track by a listener here, and time of the last (s since 1970)."""

    plays: int
    last: int


class NowPlaying(NamedTuple):
    """A track that a listener's player reported as started (s since 1970)."""

    user: str
    track_id: str
    client: str
    since: float


class Listening:
    """Feedback of the server's users; every change is on disk when the call returns.

    Parameters
    ----------
    workspace : Workspace
    store : ServerStore
    """

    def __init__(self, workspace: Workspace, store: ServerStore) -> None:
        self._workspace, self._store = workspace, store
        store.ensure(SCHEMA)
        self._now: dict[tuple[str, str], NowPlaying] = {}
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._held = threading.Lock()
        self._thread: threading.Thread | None = None

    # -- opinions of tracks ----------------------------------------------------------------------

    def like(self, user: str, track_id: str) -> None:
        """Store that a listener likes a track, equivalent to a star."""
        self._set_opinion(user, track_id, liked=1)

    def dislike(self, user: str, track_id: str) -> None:
        """Store that a listener dislikes a track."""
        self._set_opinion(user, track_id, liked=-1)

    def clear(self, user: str, track_id: str) -> None:
        """Remove likes, dislikes and stars of a track."""
        self._set_opinion(user, track_id, liked=0, n_stars=0)

    def rate(self, user: str, track_id: str, n_stars: int) -> None:
        """Store a rating of 1 to 5 stars; 0 removes it."""
        if not 0 <= n_stars <= 5:
            raise ParameterError(f"rating={n_stars} must be from 0 to 5")
        self._set_opinion(user, track_id, n_stars=n_stars)

    def star(self, user: str, kind: StarKind, id_: str) -> None:
        """Star a track, an album or an artist."""
        if kind == "track":
            self.like(user, id_)
            return
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO stars VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [user, kind, id_, int(time.time())],
            )

    def unstar(self, user: str, kind: StarKind, id_: str) -> None:
        """Remove a star; a dislike of the track stays."""
        if kind == "track":
            if self.opinion(user, id_).liked:
                self._set_opinion(user, id_, liked=0)
            return
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM stars WHERE user = ? AND kind = ? AND id = ?", [user, kind, id_]
            )

    def starred(self, user: str, kind: StarKind) -> dict[str, int]:
        """Return the times of a listener's stars (s since 1970), by id."""
        if kind == "track":
            said = self.opinions(user)
            return {id_: o.starred_at or 0 for id_, o in said.items() if o.liked}
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT id, at FROM stars WHERE user = ? AND kind = ?", [user, kind]
            )
            return dict(rows.fetchall())

    def opinion(self, user: str, track_id: str) -> Opinion:
        """Return a listener's opinion of one track."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT liked, stars, starred_at FROM opinions WHERE user = ? AND track_id = ?",
                [user, track_id],
            ).fetchone()
        return _opinion(*row) if row else Opinion(False, False, 0, None)

    def opinions(self, user: str) -> dict[str, Opinion]:
        """Return a listener's opinions of tracks, by track_id."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT track_id, liked, stars, starred_at FROM opinions WHERE user = ?", [user]
            ).fetchall()
        return {track_id: _opinion(*row) for track_id, *row in rows}

    def _set_opinion(
        self, user: str, track_id: str, *, liked: int | None = None, n_stars: int | None = None
    ) -> None:
        now = int(time.time())
        with self._store.writing() as connection:
            row = connection.execute(
                "SELECT liked, stars, starred_at FROM opinions WHERE user = ? AND track_id = ?",
                [user, track_id],
            ).fetchone()
            before = row or (0, 0, None)
            likes = before[0] if liked is None else liked
            rated = before[1] if n_stars is None else n_stars
            starred_at = (before[2] or now) if likes == 1 else None
            connection.execute(
                "INSERT OR REPLACE INTO opinions VALUES (?, ?, ?, ?, ?)",
                [user, track_id, likes, rated, starred_at],
            )
            rating = float(likes) if likes else normalize_rating(rated, best=5)
            add_event(connection, user, track_id, kind="rating", at=now, rating=rating)
        self._wake.set()

    # -- plays -----------------------------------------------------------------------------------

    def played(
        self,
        user: str,
        track_id: str,
        *,
        seconds: float | None = None,
        duration: float = 0.0,
        at: int | None = None,
    ) -> Played:
        """Store a play or a skip, by the rule of `play_or_skip`; anything else is not stored.

        Parameters
        ----------
        user, track_id : str
        seconds : float, optional
            Time played, s; None if the player has decided that it was a play.
        duration : float
            Duration of the track, s; 0 if unknown.
        at : int, optional
            Start of the play, s since 1970; now if not given, or if in the future.

        Returns
        -------
        kind : {"play", "skip", ""}
        """
        kind = play_or_skip(seconds, duration)
        if not kind:
            return ""
        now = int(time.time())
        began = now - int(seconds or 0.0) if at is None else min(at, now)
        with self._store.writing() as connection:
            add_event(connection, user, track_id, kind=kind, at=began)
            if kind == "play":
                connection.execute(
                    "INSERT INTO play_counts VALUES (?, ?, 1, ?) ON CONFLICT (user, track_id)"
                    " DO UPDATE SET plays = plays + 1, last = max(last, excluded.last)",
                    [user, track_id, began],
                )
        self._wake.set()
        return kind

    def counts(self, user: str) -> dict[str, PlayCount]:
        """Return a listener's play counts here, by track_id."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT track_id, plays, last FROM play_counts WHERE user = ?", [user]
            ).fetchall()
        return {track_id: PlayCount(plays, last) for track_id, plays, last in rows}

    def now_playing(self, user: str, track_id: str, client: str = "") -> None:
        """Record a track that is being played, in memory for a while."""
        key = (user, client[:100])
        self._now.pop(key, None)
        if len(self._now) >= MOST_NOW_PLAYING:
            self._now.pop(next(iter(self._now)), None)
        self._now[key] = NowPlaying(user, track_id, client[:100], time.time())

    def playing_now(self) -> list[NowPlaying]:
        """Return the tracks reported as playing in the last minutes, latest first."""
        since = time.time() - NOW_PLAYING_SECONDS
        return [now for now in reversed(list(self._now.values())) if now.since >= since]

    # -- storing as plays ------------------------------------------------------------------------

    def store_pending(self) -> int:
        """Add new feedback to the workspace's plays; 0 while another process writes there."""
        with self._held:
            if not is_pending(self._store):
                return 0
            with self._workspace.writing():
                return store_server_plays(self._workspace, self._store)

    def hold(self) -> Callable[[], None]:
        """Pause writing to the workspace's plays for a job; returns a function that resumes it."""
        self._held.acquire()
        return self._held.release

    def start(self) -> None:
        """Start the thread that stores feedback."""
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store the remaining feedback, and end the thread."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _run(self) -> None:
        self._wake.set()  # for feedback left by an earlier server
        while True:
            self._wake.wait()
            stopping = self._stop.wait(SETTLE_SECONDS)
            self._wake.clear()
            done = self._try_store_pending()
            if stopping:
                return
            if not done:
                self._stop.wait(RETRY_SECONDS)
                self._wake.set()

    def _try_store_pending(self) -> bool:
        if self._held.locked():
            return False
        with suppress(AudiorecError, OSError):
            self.store_pending()
            return True
        return False


def play_or_skip(seconds: float | None, duration: float) -> Played:
    """Classify a partial play as a play or a skip; see `audiorec.data.histories.listen`."""
    if seconds is None:
        return "play"
    limit = min(duration * PLAY_FRACTION, PLAY_SECONDS) if duration > 0 else SKIP_SECONDS
    if seconds >= limit:
        return "play"
    return "skip" if seconds < SKIP_SECONDS else ""


def _opinion(liked: int, n_stars: int, starred_at: int | None) -> Opinion:
    return Opinion(liked > 0, liked < 0, n_stars, starred_at)
