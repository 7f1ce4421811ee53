"""Play queues, saved when a player is closed."""

from __future__ import annotations

import json
import time
from typing import Any

from audiorec.exceptions import ParameterError
from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.envelope import GENERIC, MISSING_PARAMETER, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, date, method

SCHEMA = """
CREATE TABLE IF NOT EXISTS play_queues (
    user TEXT PRIMARY KEY, track_ids TEXT NOT NULL, place INTEGER, position INTEGER NOT NULL,
    client TEXT NOT NULL, changed INTEGER NOT NULL
) WITHOUT ROWID;
"""
MOST_TRACKS = 100_000


@method("savePlayQueue", waits=True)
def save_play_queue(call: MethodCall) -> None:
    """Save the queue, with the current song by its id; without songs, clear it."""
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
    """Save the queue, with the current song by its position."""
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
    """Return the last saved queue; empty if there is none."""
    queue, ids, place = _kept(call)
    if place is not None:
        queue["current"] = ids[place]
    return {"playQueue": queue}


@method("getPlayQueueByIndex")
def get_play_queue_by_index(call: MethodCall) -> dict[str, Any]:
    """Return the last saved queue, with the position of the current song."""
    queue, _, place = _kept(call)
    if place is not None:
        queue["currentIndex"] = place
    return {"playQueueByIndex": queue}


def _kept(call: MethodCall) -> tuple[dict[str, Any], list[str], int | None]:
    """Return a queue, its songs that still exist, and the current one's position among them."""
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
