"""Playlists: tracks in order, each with the reason for its choice."""

from __future__ import annotations

from typing import NamedTuple

from audiorec.recommend import Hit


class PlaylistEntry(NamedTuple):
    """A track of a playlist.

    Attributes
    ----------
    hit : Hit
        `hit.rank` is its position, from 1; `hit.score` the cosine to the nearest seed.
    reason : str
        Reason for its choice.
    distance : float or None
        Cosine distance to the track before it, 0 to 2; None for the first.
    """

    hit: Hit
    reason: str
    distance: float | None


class Playlist(NamedTuple):
    """A playlist.

    Attributes
    ----------
    entries : tuple of PlaylistEntry
    notes : tuple of str
        One line for each part of the request that could not be met.
    seeds : tuple of str
        Ids of the seed tracks.
    seconds : float
        Total duration of the tracks of known duration, s.
    """

    entries: tuple[PlaylistEntry, ...]
    notes: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def hits(self) -> list[Hit]:
        """The tracks."""
        return [entry.hit for entry in self.entries]


class Pick(NamedTuple):
    """A chosen track, with the reason."""

    track_id: str
    reason: str
