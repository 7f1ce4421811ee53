"""Near: tracks around the seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiorec.playlist.entries import Pick
from audiorec.playlist.from_seeds import Cap, make_playlist
from audiorec.playlist.source import TrackSource


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose tracks near the seeds, each also near the one before it."""
    seeds = source.seeds.ids
    names = dict(zip(seeds, map(source.name, seeds), strict=True))
    matches = make_playlist(
        source.index,
        source.uncatalogued,
        seeds,
        length=n,
        artists=source.artists,
        artist_window=max(1, source.request.artist_window),
        duplicates=source.groups,
        own=source.own,
        search=lambda vectors, k, excluded: _search(source, vectors, k, excluded),
        caps=caps(source),
        apart=[(source.album, source.request.album_window)],
        diversity=source.request.diversity,
    )
    ids = [match.track_id for match in matches]
    likeness = source.units(ids) @ source.seed_units.T
    own = set(source.own)
    return [
        Pick(id_, "asked for" if id_ in own else f"near {names[seeds[int(row.argmax())]]}")
        for id_, row in zip(ids, likeness, strict=True)
    ]


def caps(source: TrackSource) -> list[Cap]:
    """Return the request's limits as label functions and most tracks per label."""
    request = source.request
    caps_: list[Cap] = []
    if request.per_artist:
        caps_.append((source.artist, request.per_artist))
    if request.per_album:
        caps_.append((source.album, request.per_album))
    return caps_


def _search(
    source: TrackSource, vectors: np.ndarray, k: int, excluded: Sequence[str]
) -> list[list[str]]:
    return [result.ids for result in source.search(vectors, k, exclude=excluded)]
