"""Kinds of playlists, one module each."""

from audiorec.playlist.kinds.registry import CHOOSERS

__all__ = ["CHOOSERS"]
