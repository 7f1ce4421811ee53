"""Which tracks the last playlists had that were made in a workspace."""

from __future__ import annotations

import json
from collections.abc import Sequence

from audiorec.artifacts import write_atomic
from audiorec.workspace import Workspace

FILE = ".recent.json"
KEPT = 100  # playlists


def recent_playlists(workspace: Workspace) -> list[list[str]]:
    """Track ids of the last playlists, newest last; none where the record cannot be read."""
    try:
        rows = json.loads((workspace.playlists / FILE).read_bytes())
        return [[str(id_) for id_ in row["tracks"]] for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def recent_tracks(workspace: Workspace, n: int) -> set[str]:
    """Tracks of the last `n` playlists."""
    return {id_ for ids in recent_playlists(workspace)[-n:] for id_ in ids} if n else set()


def record_playlist(workspace: Workspace, ids: Sequence[str]) -> None:
    """Remember a playlist as made."""
    rows = [*recent_playlists(workspace), list(ids)][-KEPT:]
    workspace.playlists.mkdir(parents=True, exist_ok=True)
    content = json.dumps([{"tracks": row} for row in rows], ensure_ascii=True)
    write_atomic(workspace.playlists / FILE, content.encode())
