"""Replacement of one track of a playlist."""

from __future__ import annotations

from collections.abc import Sequence

from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.recommend import Hit, Library, TrackFilter

WINDOW = 5  # tracks on either side whose artists are not repeated if possible
SPARE = 50


def find_replacement(
    library: Library,
    track_ids: Sequence[str],
    *,
    position: int,
    dropped: Sequence[str] = (),
    filters: TrackFilter | None = None,
) -> Hit:
    """Find the track that fits best between the neighbours of a position in a playlist.

    Parameters
    ----------
    library : Library
    track_ids : sequence of str
        Tracks of the playlist, including the one to replace.
    position : int
        Position of that one, from 0.
    dropped : sequence of str
        Other tracks to leave out.
    filters : TrackFilter, optional

    Raises
    ------
    ParameterError
        If there is no such position.
    NotFoundError
        If no other track fits.
    """
    if not 0 <= position < len(track_ids):
        raise ParameterError(f"position={position} is not one of the playlist's {len(track_ids)}")
    beside = [*track_ids[max(0, position - 1) : position], *track_ids[position + 1 : position + 2]]
    gone = {*track_ids, *dropped}
    hits = library.similar(
        beside or [track_ids[position]], k=len(gone) + SPARE, filters=filters or TrackFilter()
    )
    near = track_ids[max(0, position - WINDOW) : position + WINDOW + 1]
    artists = {t.artist_key for t in library.catalog.get_many(near).values()}
    free = [hit for hit in hits if hit.track_id not in gone]
    others = library.catalog.get_many([hit.track_id for hit in free])
    apart = [
        hit
        for hit in free
        if hit.track_id not in others or others[hit.track_id].artist_key not in artists
    ]
    if not free:
        raise NotFoundError("no other track fits here; widen the filters, or add music")
    return (apart or free)[0]._replace(rank=position + 1)
