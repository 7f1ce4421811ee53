"""Versions of one song: the same artist and title, live, remastered or as a radio edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audiorec.data.catalog.database import Catalog, Track
from audiorec.data.names.canonical_names import split_title

# Kinds of version that are the same song; a remix, a part or another language is one of its own.
SAME_SONG = frozenset({"live", "acoustic", "demo"})

# From ids of tracks to what song each is; "" where it can be no version of another.
Songs = Callable[[Sequence[str]], Sequence[str]]


def song_of(track: Track) -> str:
    """What versions of one song have in common; empty for a track by nobody or without a title."""
    title = split_title(track.title)
    if track.artist_key.startswith("\0") or not title.base:
        return ""
    other = "" if title.kinds <= SAME_SONG else title.detail
    return "\n".join((track.artist_key, title.base, other))


def songs_of(catalog: Catalog) -> Songs:
    """What song each of some tracks of a catalogue is."""

    def songs(track_ids: Sequence[str]) -> list[str]:
        tracks = catalog.get_many(track_ids)
        return [song_of(tracks[id_]) if id_ in tracks else "" for id_ in track_ids]

    return songs
