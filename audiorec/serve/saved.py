"""Playlists that listeners keep on the server."""

from __future__ import annotations

from audiorec.data.server_store import ServerStore


class SavedPlaylists:
    """Playlists by listener.

    Parameters
    ----------
    store : ServerStore
    """

    def __init__(self, store: ServerStore) -> None:
        self._store = store
