"""Limits on the number of tracks per artist and album."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from audiorec.data.catalog.records import artist_key
from audiorec.data.names.canonical_names import words
from audiorec.exceptions import ParameterError
from audiorec.recommend.results import Hit


def within_limits(hits: Sequence[Hit], *, per_artist: int = 0, per_album: int = 0) -> list[Hit]:
    """Select the hits within the limits, and renumber them.

    Parameters
    ----------
    hits : sequence of Hit
        Best first.
    per_artist, per_album : int
        Most tracks of each; 0 for any number.

    Raises
    ------
    ParameterError
        If a limit is below 0.
    """
    for name, limit in (("per_artist", per_artist), ("per_album", per_album)):
        if limit < 0:
            raise ParameterError(f"{name}={limit} must be 0, for any, or more")
    counts: Counter[object] = Counter()
    kept: list[Hit] = []
    for hit in hits:
        most: list[tuple[object, int]] = []
        artist = artist_key(hit.artist, track_id=hit.track_id)
        if per_artist:
            most.append((("artist", artist), per_artist))
        if per_album and hit.album:
            most.append((("album", artist, words(hit.album)), per_album))
        if all(counts[key] < limit for key, limit in most):
            counts.update(key for key, _ in most)
            kept.append(hit._replace(rank=len(kept) + 1))
    return kept
