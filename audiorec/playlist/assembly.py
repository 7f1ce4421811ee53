"""A playlist as it grows: what may come where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from audiorec.data.normalize import words
from audiorec.playlist.source import POOL, TrackSource, widening

LOOK_AHEAD = 24  # candidates among which diversity decides


class Assembly:
    """Tracks in order, none twice, artists and albums apart and within their limits.

    Parameters
    ----------
    source : TrackSource
    order : sequence of str
        Tracks that are in it from the start.
    """

    def __init__(self, source: TrackSource, order: Sequence[str] = ()) -> None:
        self.source = source
        self.order: list[str] = []
        self._used: set[object] = set()
        self._counts: Counter[Hashable] = Counter()
        for id_ in source.seeds.ids:  # no other recording of a seed
            self._used.add(source.group(id_))
        for id_ in order:
            self.insert(id_, len(self.order))

    def __len__(self) -> int:
        return len(self.order)

    def insert(self, id_: str, position: int) -> None:
        """Let a track in."""
        self.order.insert(position, id_)
        self._used.add(self.source.group(id_))
        self._used.add(id_)
        self._counts.update([("artist", self._artist(id_)), ("album", self._album(id_))])

    def allows(self, id_: str) -> bool:
        """Whether a track may come at all."""
        request = self.source.request
        if id_ in self._used or self.source.group(id_) in self._used:
            return False
        if request.per_artist and self._counts["artist", self._artist(id_)] >= request.per_artist:
            return False
        album = self._album(id_)
        return not (
            request.per_album
            and album is not None
            and self._counts["album", album] >= request.per_album
        )

    def is_close(self, id_: str, position: int) -> bool:
        """Whether its artist or album would come twice within the window."""
        request = self.source.request
        for window, of in (
            (request.artist_window, self._artist), (request.album_window, self._album)
        ):  # fmt: skip
            if window > 1 and (key := of(id_)) is not None:
                near = self.order[max(0, position - window + 1) : position + window - 1]
                if any(of(other) == key for other in near):
                    return True
        return False

    def choose(
        self, candidates: Iterable[str], position: int, *, close: bool = False
    ) -> str | None:
        """The best candidate that may come at a position; `close` lets go of the windows."""
        diversity = self.source.request.diversity
        fitting = (
            id_ for id_ in candidates
            if self.allows(id_) and (close or not self.is_close(id_, position))
        )  # fmt: skip
        if not diversity or not self.order:
            return next(fitting, None)
        some = [id_ for id_, _ in zip(fitting, range(LOOK_AHEAD), strict=False)]
        if not some:
            return None
        likeness = (self.source.units(some) @ self.source.units(self.order).T).max(axis=1)
        relevance = 1 - np.arange(len(some)) / LOOK_AHEAD
        return some[int(((1 - diversity) * relevance - diversity * likeness).argmax())]

    def nearest(
        self, vector: np.ndarray, position: int, *, exclude: Iterable[str] = ()
    ) -> str | None:
        """The track nearest to a vector that may come at a position.

        Where no other artist is left, one comes within its window, and that is noted; None where
        no track is left at all.
        """
        barred = {*self.order, *exclude}
        found: list[str] = []
        for reach in widening(POOL, len(self.source.index)):
            result = self.source.search(vector[None], reach, exclude=barred)[0]
            found = result.ids
            chosen = self.choose(found, position)
            if chosen is not None or result.all_of_them:
                break
        if chosen is None:
            chosen = self.choose(found, position, close=True)
            if chosen is not None:
                self.source.note(
                    f"an artist or album comes twice within its window, from place "
                    f"{position + 1} on: no other is left"
                )
        return chosen

    def _artist(self, id_: str) -> str:
        return self.source.track(id_).artist_key

    def _album(self, id_: str) -> Hashable | None:
        track = self.source.track(id_)
        return (track.artist_key, words(track.album)) if track.album else None
