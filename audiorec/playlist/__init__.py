"""Playlists: from seeds to an order, from an order to a file."""

from __future__ import annotations

from audiorec.playlist.build import build_playlist, save_playlist
from audiorec.playlist.entries import Playlist, PlaylistEntry
from audiorec.playlist.from_seeds import make_playlist, shortfall
from audiorec.playlist.request import KINDS, PlaylistRequest
from audiorec.playlist.writers import WRITERS, PlaylistTrack, WriteReport, write_playlist

__all__ = [
    "KINDS",
    "WRITERS",
    "Playlist",
    "PlaylistEntry",
    "PlaylistRequest",
    "PlaylistTrack",
    "WriteReport",
    "build_playlist",
    "make_playlist",
    "save_playlist",
    "shortfall",
    "write_playlist",
]
