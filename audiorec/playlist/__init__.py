"""Playlists: from seeds to an order, from an order to a file."""

from __future__ import annotations

from audiorec.playlist.sequence import make_playlist, shortfall
from audiorec.playlist.writers import WRITERS, PlaylistTrack, Written, write_playlist

__all__ = [
    "WRITERS",
    "PlaylistTrack",
    "Written",
    "make_playlist",
    "shortfall",
    "write_playlist",
]
