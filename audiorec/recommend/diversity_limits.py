"""At most so many tracks of an artist or an album."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from audiorec.data.normalize import words
from audiorec.data.tracks import artist_key
from audiorec.exceptions import ParameterError
from audiorec.recommend.results import Hit


@dataclass(frozen=True)
class DiversityLimits:
    """Limits on what stands beside each other in an answer.

    Parameters
    ----------
    per_artist, per_album : int
        At most so many tracks of each; 0 for any number.
    """

    per_artist: int = 0
    per_album: int = 0

    def __post_init__(self) -> None:
        for name in ("per_artist", "per_album"):
            if getattr(self, name) < 0:
                raise ParameterError(f"{name}={getattr(self, name)} must be 0, for any, or more")

    def apply(self, hits: Sequence[Hit]) -> list[Hit]:
        """The hits that are within the limits, ranked anew."""
        counts: Counter[object] = Counter()
        kept: list[Hit] = []
        for hit in hits:
            most: list[tuple[object, int]] = []
            artist = artist_key(hit.artist, track_id=hit.track_id)
            if self.per_artist:
                most.append((("artist", artist), self.per_artist))
            if self.per_album and hit.album:
                most.append((("album", artist, words(hit.album)), self.per_album))
            if all(counts[key] < limit for key, limit in most):
                counts.update(key for key, _ in most)
                kept.append(hit._replace(rank=len(kept) + 1))
        return kept
