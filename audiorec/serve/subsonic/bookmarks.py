"""Bookmarks: positions in songs that a user marked."""

from __future__ import annotations

import time
from typing import Any

from audiorec.exceptions import ParameterError
from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.envelope import NOT_FOUND, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, date, method

SCHEMA = """
CREATE TABLE IF NOT EXISTS bookmarks (
    user TEXT NOT NULL, track_id TEXT NOT NULL, position INTEGER NOT NULL, comment TEXT NOT NULL,
    created INTEGER NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY (user, track_id)
) WITHOUT ROWID;
"""
MOST_BOOKMARKS = 10_000
LONGEST = 10_000  # characters of a comment


@method("getBookmarks")
def get_bookmarks(call: MethodCall) -> dict[str, Any]:
    """List the user's bookmarks, latest first."""
    query = (
        "SELECT track_id, position, comment, created, changed FROM bookmarks WHERE user = ?"
        " ORDER BY changed DESC, track_id"
    )
    with call.state.store.reading() as connection:
        rows = connection.execute(query, [call.user]).fetchall()
    found = [
        {
            "position": position,
            "username": call.user,
            "comment": comment,
            "created": date(created),
            "changed": date(changed),
            "entry": entries.song(call, track_id),
        }
        for track_id, position, comment, created, changed in rows
        if track_id in call.view.songs
    ]
    return {"bookmarks": {"bookmark": found}}


@method("createBookmark", waits=True)
def create_bookmark(call: MethodCall) -> None:
    """Bookmark a position (ms) in a song, replacing an earlier one."""
    id_ = entries.known_song(call, call.parameters.text("id"))
    position = call.parameters.integer("position")
    comment = (call.parameters.get("comment") or "")[:LONGEST]
    now = int(time.time())
    with call.state.store.writing() as connection:
        count = "SELECT count(*) FROM bookmarks WHERE user = ? AND track_id != ?"
        if connection.execute(count, [call.user, id_]).fetchone()[0] >= MOST_BOOKMARKS:
            raise ParameterError(f"{call.user!r} has {MOST_BOOKMARKS} bookmarks; delete some first")
        connection.execute(
            "INSERT INTO bookmarks VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (user, track_id)"
            " DO UPDATE SET position = ?3, comment = ?4, changed = ?5",
            [call.user, id_, position, comment, now],
        )


@method("deleteBookmark", waits=True)
def delete_bookmark(call: MethodCall) -> None:
    """Delete the bookmark of a song."""
    id_ = call.parameters.text("id")
    with call.state.store.writing() as connection:
        query = "DELETE FROM bookmarks WHERE user = ? AND track_id = ?"
        if not connection.execute(query, [call.user, id_]).rowcount:
            raise SubsonicError(NOT_FOUND, f"there is no bookmark in {id_[:80]!r}")
