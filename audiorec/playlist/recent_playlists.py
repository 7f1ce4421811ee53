"""Record of the tracks of a workspace's recent playlists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from audiorec.artifacts import write_atomic
from audiorec.workspace import Workspace

FILE = ".recent.json"
KEPT = 100  # playlists


class RecentPlaylist(NamedTuple):
    """A recent playlist: its recipe and period, if any, and its tracks."""

    key: str
    tracks: list[str]


def recent_playlists(workspace: Workspace) -> list[RecentPlaylist]:
    """Return the recent playlists, newest last; none if the record cannot be read."""
    try:
        rows = json.loads((workspace.playlists / FILE).read_bytes())
        return [
            RecentPlaylist(str(row["key"]), [str(id_) for id_ in row["tracks"]]) for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def recent_tracks(workspace: Workspace, n: int, *, key: str = "") -> set[str]:
    """Return the tracks of the last `n` playlists, except those with the same key."""
    if not n:
        return set()
    others = [made for made in recent_playlists(workspace) if not key or made.key != key]
    return {id_ for made in others[-n:] for id_ in made.tracks}


def record_playlist(workspace: Workspace, ids: Sequence[str], *, key: str = "") -> None:
    """Record a playlist as recent, replacing the one of that key."""
    before = [made for made in recent_playlists(workspace) if not key or made.key != key]
    rows = [*before, RecentPlaylist(key, list(ids))][-KEPT:]
    workspace.playlists.mkdir(parents=True, exist_ok=True)
    content = json.dumps([row._asdict() for row in rows], ensure_ascii=True)
    write_atomic(workspace.playlists / FILE, content.encode())
