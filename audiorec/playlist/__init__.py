"""Playlists: from seeds to an order, from an order to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.playlist.option_values import FORMATS, KINDS, MEASURES, SHAPES

if TYPE_CHECKING:
    from audiorec.playlist.build import build_playlist, save_playlist
    from audiorec.playlist.entries import Playlist, PlaylistEntry
    from audiorec.playlist.from_seeds import make_playlist
    from audiorec.playlist.recipe_files import PlaylistRecipe, load_recipe, recipes_in, save_recipe
    from audiorec.playlist.refresh import RefreshReport, refresh_playlists
    from audiorec.playlist.replace import find_replacement
    from audiorec.playlist.request import PlaylistRequest
    from audiorec.playlist.saved import SavedPlaylist, SavedPlaylists, saved_playlists
    from audiorec.playlist.writers import (
        PREVIEW_FORMATS,
        WRITERS,
        PlaylistTrack,
        WriteReport,
        write_playlist,
    )

__all__ = [
    "FORMATS",
    "KINDS",
    "MEASURES",
    "PREVIEW_FORMATS",
    "SHAPES",
    "WRITERS",
    "Playlist",
    "PlaylistEntry",
    "PlaylistRecipe",
    "PlaylistRequest",
    "PlaylistTrack",
    "RefreshReport",
    "SavedPlaylist",
    "SavedPlaylists",
    "WriteReport",
    "build_playlist",
    "find_replacement",
    "load_recipe",
    "make_playlist",
    "recipes_in",
    "refresh_playlists",
    "save_playlist",
    "save_recipe",
    "saved_playlists",
    "write_playlist",
]

# What makes playlists loads what answers; ``--help`` needs names alone.
__getattr__ = lazy_attributes(
    __name__,
    {
        "build": ("build_playlist", "save_playlist"),
        "entries": ("Playlist", "PlaylistEntry"),
        "from_seeds": ("make_playlist",),
        "recipe_files": ("PlaylistRecipe", "load_recipe", "recipes_in", "save_recipe"),
        "refresh": ("RefreshReport", "refresh_playlists"),
        "replace": ("find_replacement",),
        "request": ("PlaylistRequest",),
        "saved": ("SavedPlaylist", "SavedPlaylists", "saved_playlists"),
        "writers": ("PREVIEW_FORMATS", "PlaylistTrack", "WRITERS", "WriteReport", "write_playlist"),
    },
)
