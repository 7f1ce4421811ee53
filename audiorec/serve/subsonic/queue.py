"""What a player was playing when it was closed: the play queue, and bookmarks in songs."""

from __future__ import annotations

import json
import time
from typing import Any

from audiorec.exceptions import ParameterError
from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.envelope import GENERIC, MISSING_PARAMETER, NOT_FOUND, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, date, method

SCHEMA = """
CREATE TABLE IF NOT EXISTS play_queues (
    user TEXT PRIMARY KEY, track_ids TEXT NOT NULL, place INTEGER, position INTEGER NOT NULL,
    client TEXT NOT NULL, changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bookmarks (
    user TEXT NOT NULL, track_id TEXT NOT NULL, position INTEGER NOT NULL, comment TEXT NOT NULL,
    created INTEGER NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY (user, track_id)
) WITHOUT ROWID;
"""
MOST_TRACKS = 100_000
MOST_BOOKMARKS = 10_000
LONGEST = 10_000  # characters of a comment


@method("savePlayQueue", waits=True)
def save_play_queue(call: MethodCall) -> None:
    """Keep the queue, with the song that is playing by its id; without songs there is none."""
    ids = _queued_songs(call)
    current = call.parameters.get("current")
    if current and current not in ids:
        raise SubsonicError(GENERIC, "current must be one of the ids of the queue")
    if ids and not current:
        message = "parameter 'current' is missing; name the song that is playing"
        raise SubsonicError(MISSING_PARAMETER, message)
    _save_queue(call, ids, ids.index(current) if current else None)


@method("savePlayQueueByIndex", waits=True)
def save_play_queue_by_index(call: MethodCall) -> None:
    """Keep the queue, with the song that is playing by its place."""
    ids = _queued_songs(call)
    if not ids:
        _save_queue(call, ids, None)
        return
    place = call.parameters.integer("currentIndex", least=-1)
    if not 0 <= place < len(ids):
        raise SubsonicError(GENERIC, f"currentIndex must be from 0 to {len(ids) - 1}")
    _save_queue(call, ids, place)


def _queued_songs(call: MethodCall) -> list[str]:
    ids = [entries.known_song(call, id_) for id_ in call.parameters.all("id")]
    if len(ids) > MOST_TRACKS:
        raise ParameterError(f"a queue has at most {MOST_TRACKS} songs; keep fewer")
    return ids


def _save_queue(call: MethodCall, ids: list[str], place: int | None) -> None:
    position = call.parameters.integer("position", 0)
    client = (call.parameters.get("c") or "")[:100]
    values = [call.user, json.dumps(ids), place, position, client, int(time.time())]
    with call.state.store.writing() as connection:
        if ids:
            query = "INSERT OR REPLACE INTO play_queues VALUES (?, ?, ?, ?, ?, ?)"
            connection.execute(query, values)
        else:
            connection.execute("DELETE FROM play_queues WHERE user = ?", [call.user])


@method("getPlayQueue")
def get_play_queue(call: MethodCall) -> dict[str, Any]:
    """The queue as it was kept last; empty where none was."""
    queue, ids, place = _kept(call)
    if place is not None:
        queue["current"] = ids[place]
    return {"playQueue": queue}


@method("getPlayQueueByIndex")
def get_play_queue_by_index(call: MethodCall) -> dict[str, Any]:
    """The same, with the place of the song that was playing."""
    queue, _, place = _kept(call)
    if place is not None:
        queue["currentIndex"] = place
    return {"playQueueByIndex": queue}


def _kept(call: MethodCall) -> tuple[dict[str, Any], list[str], int | None]:
    """A queue, its songs that are still there, and the place of the current one among them."""
    query = "SELECT track_ids, place, position, client, changed FROM play_queues WHERE user = ?"
    with call.state.store.reading() as connection:
        row = connection.execute(query, [call.user]).fetchone()
    text, place, position, client, changed = row or ("[]", None, 0, "", 0)
    every = json.loads(text)
    there = [number for number, id_ in enumerate(every) if id_ in call.view.songs]
    ids = [every[number] for number in there]
    now = there.index(place) if place in there else (0 if ids else None)
    queue = {
        "username": call.user,
        "changed": date(changed),
        "changedBy": client,
        "position": position if place in there else 0,
        "entry": entries.songs(call, ids),
    }
    return queue, ids, now


@method("getBookmarks")
def get_bookmarks(call: MethodCall) -> dict[str, Any]:
    """Places in songs that the user marked, the latest first."""
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
    """Mark a place (ms) in a song, in place of an earlier one in it."""
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
    """Take a mark out of a song."""
    id_ = call.parameters.text("id")
    with call.state.store.writing() as connection:
        query = "DELETE FROM bookmarks WHERE user = ? AND track_id = ?"
        if not connection.execute(query, [call.user, id_]).rowcount:
            raise SubsonicError(NOT_FOUND, f"there is no bookmark in {id_[:80]!r}")
