"""Playlists: from seeds to an order, from an order to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiorec.playlist.choices import KINDS

if TYPE_CHECKING:
    from audiorec.playlist.build import build_playlist, save_playlist
    from audiorec.playlist.entries import Playlist, PlaylistEntry
    from audiorec.playlist.from_seeds import make_playlist, shortfall
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
    "shortfall",
    "write_playlist",
]

_HOMES = {
    "WRITERS": "writers",
    "Playlist": "entries",
    "PlaylistEntry": "entries",
    "PlaylistRequest": "request",
    "PlaylistTrack": "writers",
    "WriteReport": "writers",
    "build_playlist": "build",
    "make_playlist": "sequence",
    "save_playlist": "build",
    "shortfall": "sequence",
    "write_playlist": "writers",
}


def __getattr__(name: str) -> Any:
    """Import what makes playlists when it is first asked for: ``--help`` needs names alone."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"audiorec.playlist.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
