"""Playlists as they are answered: tracks in order, and why each is there."""

from __future__ import annotations

from typing import NamedTuple

from audiorec.recommend.results import Hit


class PlaylistEntry(NamedTuple):
    """A track of a playlist.

    Attributes
    ----------
    hit : Hit
        `hit.rank` is its place, from 1; `hit.score` the cosine to the nearest seed.
    reason : str
        Why it is there.
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
        A line on whatever could not be as it was asked for.
    seeds : tuple of str
        Ids of the tracks that it was made from.
    seconds : float
        Length of all tracks whose length is known.
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
    """A track that a kind of playlist has chosen, and why."""

    track_id: str
    reason: str
