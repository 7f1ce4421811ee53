"""Saved playlists of listeners, made in a player or on a page."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from audiorec.data.server import ServerStore
from audiorec.data.server.store import FILE
from audiorec.exceptions import AmbiguousNameError, NotFoundError, ParameterError
from audiorec.printable_text import one_line
from audiorec.workspace import Workspace

SCHEMA = """
CREATE TABLE IF NOT EXISTS saved_playlists (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, comment TEXT NOT NULL,
    public INTEGER NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL,
    track_ids TEXT NOT NULL
) WITHOUT ROWID;
"""
COLUMNS = "id, user, name, comment, public, created, changed, track_ids"
LONGEST_NAME, LONGEST_COMMENT = 500, 10_000  # characters
MOST_TRACKS = 100_000
MOST_PLAYLISTS = 10_000  # of one listener
PREFIX = "list:"
"""Prefix that marks a saved playlist where names of tracks are expected."""


class SavedPlaylist(NamedTuple):
    """A saved playlist.

    Attributes
    ----------
    id : str
        Stays the same when it is renamed.
    user : str
        The listener who made it, the only one who may change it.
    name, comment : str
    public : bool
        Whether others may see it.
    created, changed : int
        Seconds since 1970.
    track_ids : tuple of str
    """

    id: str
    user: str
    name: str
    comment: str
    public: bool
    created: int
    changed: int
    track_ids: tuple[str, ...]


class SavedPlaylists:
    """The saved playlists of a workspace; every change is on disk when the call returns.

    Parameters
    ----------
    store : ServerStore

    Examples
    --------
    >>> from pathlib import Path
    >>> saved = SavedPlaylists(ServerStore(Path("server.sqlite")))
    >>> id_ = saved.create("me", "Morning", ["x", "y"])
    >>> saved.update(id_, user="me", add=["z"], remove_positions=[0])
    >>> saved.get(id_).track_ids
    ('y', 'z')
    """

    def __init__(self, store: ServerStore) -> None:
        self._store = store
        store.ensure(SCHEMA)

    def create(
        self,
        user: str,
        name: str,
        track_ids: Sequence[str] = (),
        *,
        comment: str = "",
        public: bool = False,
    ) -> str:
        """Save a new playlist and return its id; names need not be unique.

        Raises
        ------
        ParameterError
            If it has no name, or exceeds a limit.
        WorkspaceError
            If it cannot be stored.
        """
        now = int(time.time())
        id_ = f"pl-{secrets.token_hex(8)}"
        made = SavedPlaylist(id_, user, name, comment, public, now, now, tuple(track_ids))
        _check(made)
        with self._store.writing() as connection:
            count = "SELECT count(*) FROM saved_playlists WHERE user = ?"
            if connection.execute(count, [user]).fetchone()[0] >= MOST_PLAYLISTS:
                raise ParameterError(f"{user!r} has {MOST_PLAYLISTS} playlists; delete some first")
            _put(connection, made)
        return id_

    def get(self, id_: str) -> SavedPlaylist:
        """Return the playlist of an id; `NotFoundError` if there is none."""
        with self._store.reading() as connection:
            return _get(connection, id_)

    def list(self, user: str | None = None) -> list[SavedPlaylist]:
        """List a listener's playlists and public ones of others, by name; None for all."""
        query = f"SELECT {COLUMNS} FROM saved_playlists"
        with self._store.reading() as connection:
            if user is None:
                rows = connection.execute(query).fetchall()
            else:
                rows = connection.execute(f"{query} WHERE user = ? OR public", [user]).fetchall()
        found = [_playlist(row) for row in rows]
        return sorted(found, key=lambda each: (each.name.casefold(), each.created, each.id))

    def named(self, name: str) -> SavedPlaylist:
        """Return the playlist of a name or an id.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            If there is none, or several.
        """
        every = self.list()
        found = [each for each in every if name in (each.name, each.id)]
        if not found:
            known = ", ".join(dict.fromkeys(each.name for each in every)) or "there is none yet"
            raise NotFoundError(one_line(f"no saved playlist is called {name!r}; known: {known}"))
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            message = f"{len(found)} saved playlists are called {name!r}; give an id: {ids}"
            raise AmbiguousNameError(one_line(message), candidates=[each.id for each in found])
        return found[0]

    def update(
        self,
        id_: str,
        *,
        user: str,
        name: str | None = None,
        comment: str | None = None,
        public: bool | None = None,
        add: Iterable[str] = (),
        remove_positions: Collection[int] = (),
        track_ids: Sequence[str] | None = None,
    ) -> None:
        """Change a playlist atomically.

        Parameters
        ----------
        id_ : str
        user : str
            Listener who changes it.
        name, comment, public
            None keeps the value.
        add : iterable of str
            Tracks to append.
        remove_positions : collection of int
            Positions, from 0, of tracks to remove, counted before any change.
        track_ids : sequence of str, optional
            New list of all its tracks.

        Raises
        ------
        NotFoundError
            If there is no such playlist of theirs.
        ParameterError
            If a position is out of range; see also `create`.
        """
        with self._store.writing() as connection:
            before = _get_own(connection, id_, user)
            tracks = before.track_ids if track_ids is None else tuple(track_ids)
            gone = set(remove_positions)
            if outside := [place for place in gone if not 0 <= place < len(tracks)]:
                raise ParameterError(
                    f"position {min(outside)} is not one of the playlist's {len(tracks)}"
                )
            kept = [track for place, track in enumerate(tracks) if place not in gone]
            after = before._replace(
                name=before.name if name is None else name,
                comment=before.comment if comment is None else comment,
                public=before.public if public is None else public,
                track_ids=(*kept, *add),
                changed=int(time.time()),
            )
            _check(after)
            _put(connection, after)

    def delete(self, id_: str, *, user: str) -> None:
        """Delete a playlist; `NotFoundError` if there is no such playlist of theirs."""
        with self._store.writing() as connection:
            _get_own(connection, id_, user)
            connection.execute("DELETE FROM saved_playlists WHERE id = ?", [id_])


def saved_playlists(workspace: Workspace) -> SavedPlaylists:
    """Return the saved playlists of a workspace, for use without a server."""
    return SavedPlaylists(ServerStore(workspace.root / FILE))


def _check(playlist: SavedPlaylist) -> None:
    if not playlist.name.strip():
        raise ParameterError("a playlist needs a name; give one")
    for what, text, longest in (
        ("name", playlist.name, LONGEST_NAME),
        ("comment", playlist.comment, LONGEST_COMMENT),
    ):
        if len(text) > longest:
            raise ParameterError(
                f"{what} has {len(text)} characters; give one of {longest} at most"
            )
    if len(playlist.track_ids) > MOST_TRACKS:
        raise ParameterError(f"a playlist has at most {MOST_TRACKS} tracks; make several of it")


def _put(connection: sqlite3.Connection, playlist: SavedPlaylist) -> None:
    values = [*playlist[:-1], json.dumps(playlist.track_ids)]
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT OR REPLACE INTO saved_playlists VALUES ({marks})", values)


def _get(connection: sqlite3.Connection, id_: str) -> SavedPlaylist:
    query = f"SELECT {COLUMNS} FROM saved_playlists WHERE id = ?"
    row = connection.execute(query, [id_]).fetchone()
    if row is None:
        raise NotFoundError(one_line(f"there is no saved playlist {id_[:80]!r}"))
    return _playlist(row)


def _get_own(connection: sqlite3.Connection, id_: str, user: str) -> SavedPlaylist:
    found = _get(connection, id_)
    if found.user != user:
        raise NotFoundError(f"{user!r} has no saved playlist {id_[:80]!r}; its maker can change it")
    return found


def _playlist(row: tuple[Any, ...]) -> SavedPlaylist:
    id_, user, name, comment, public, created, changed, tracks = row
    ids = tuple(json.loads(tracks))
    return SavedPlaylist(id_, user, name, comment, bool(public), created, changed, ids)
