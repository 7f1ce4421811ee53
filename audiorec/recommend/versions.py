"""Versions of one song: the same artist and title, live, remastered or as a radio edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audiorec.data.catalog import Catalog, Track
from audiorec.data.names import split_title

# Versions that are the same song; a remix, a part or another language is a song of its own.
SAME_SONG = frozenset({"live", "acoustic", "demo"})

# Maps track ids to their songs; "" if a track cannot be a version of another.
Songs = Callable[[Sequence[str]], Sequence[str]]


def song_of(track: Track) -> str:
    """Return the song key shared by versions; empty for a track without artist or title."""
    title = split_title(track.title)
    if track.artist_key.startswith("\0") or not title.base:
        return ""
    other = "" if title.kinds <= SAME_SONG else title.detail
    return "\n".join((track.artist_key, title.base, other))


def songs_of(catalog: Catalog) -> Songs:
    """Make the function that returns the song of each of some catalogued tracks."""

    def songs(track_ids: Sequence[str]) -> list[str]:
        tracks = catalog.get_many(track_ids)
        return [song_of(tracks[id_]) if id_ in tracks else "" for id_ in track_ids]

    return songs
