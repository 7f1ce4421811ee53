"""Playlist files (M3U, PLS, XSPF, JSPF): their entries, and the tracks of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.data.playlist_files.entry_paths import EntryPathMatcher, PathMap, entry_path
    from audiorec.data.playlist_files.reading import (
        SUFFIXES,
        entries,
        holds_playlists,
        playlists_in,
    )

__all__ = [
    "SUFFIXES",
    "EntryPathMatcher",
    "PathMap",
    "entries",
    "entry_path",
    "holds_playlists",
    "playlists_in",
]

# Imported when asked for: a path needs no parser.
__getattr__ = lazy_attributes(
    __name__,
    {
        "entry_paths": ("EntryPathMatcher", "PathMap", "entry_path"),
        "reading": ("SUFFIXES", "entries", "holds_playlists", "playlists_in"),
    },
)
