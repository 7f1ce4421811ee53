"""Playlists: from seeds to an order, from an order to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.playlist.option_values import KINDS

if TYPE_CHECKING:
    from audiorec.playlist.build import build_playlist, save_playlist
    from audiorec.playlist.entries import Playlist, PlaylistEntry
    from audiorec.playlist.from_seeds import make_playlist
    from audiorec.playlist.request import PlaylistRequest
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
    "write_playlist",
]

# What makes playlists loads what answers; ``--help`` needs names alone.
__getattr__ = lazy_attributes(
    __name__,
    {
        "writers": ("WRITERS", "PlaylistTrack", "WriteReport", "write_playlist"),
        "entries": ("Playlist", "PlaylistEntry"),
        "request": ("PlaylistRequest",),
        "build": ("build_playlist", "save_playlist"),
        "from_seeds": ("make_playlist",),
    },
)
