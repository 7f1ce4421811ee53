"""Incrementally built playlist that enforces its constraints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from audiorec.playlist.source import POOL, TrackSource, widening
from audiorec.playlist.spacing import has_room

LOOK_AHEAD = 24  # candidates among which diversity decides


class GrowingPlaylist:
    """Tracks in order without repeats, with spacing and limits of artists and albums.

    Parameters
    ----------
    source : TrackSource
    order : sequence of str
        Initial tracks.
    n_spaced : int
        If above 0, a track is allowed only while so many can still be put in an order that keeps
        the windows, regardless of the current positions.
    """

    def __init__(
        self, source: TrackSource, order: Sequence[str] = (), *, n_spaced: int = 0
    ) -> None:
        self.source, self.n_spaced = source, n_spaced
        self.order: list[str] = []
        self._used: set[object] = set()
        self._counts: dict[str, Counter[Hashable]] = {"artist": Counter(), "album": Counter()}
        for id_ in source.seeds.ids:  # no other recording of a seed
            self._used.add(source.group(id_))
        for id_ in order:
            self.insert(id_, len(self.order))

    def __len__(self) -> int:
        return len(self.order)

    def insert(self, id_: str, position: int) -> None:
        """Insert a track."""
        self.order.insert(position, id_)
        self._used.add(self.source.group(id_))
        self._used.add(id_)
        for what, of, _ in self.source.windows:
            if (key := of(id_)) is not None:
                self._counts[what][key] += 1

    def allows(self, id_: str) -> bool:
        """Whether a track is allowed at all."""
        request = self.source.request
        if id_ in self._used or self.source.group(id_) in self._used:
            return False
        limits = {"artist": request.per_artist, "album": request.per_album}
        for what, of, window in self.source.windows:
            key, counts = of(id_), self._counts[what]
            if key is None:
                continue
            if limits[what] and counts[key] >= limits[what]:
                return False
            if self.n_spaced and not has_room(counts, key, n=self.n_spaced, window=window):
                return False
        return True

    def is_close(self, id_: str, position: int) -> bool:
        """Whether its artist or album would occur twice within the window."""
        for _, of, window in self.source.windows:
            if window > 1 and (key := of(id_)) is not None:
                near = self.order[max(0, position - window + 1) : position + window - 1]
                if any(of(other) == key for other in near):
                    return True
        return False

    def choose(
        self, candidates: Iterable[str], position: int, *, close: bool = False
    ) -> str | None:
        """Return the best candidate allowed at a position; `close` ignores the windows."""
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
        """Return the track nearest to a vector that is allowed at a position.

        If no other artist is left, the window is ignored; None if no track is left.
        """
        excluded = {*self.order, *exclude}
        ids: list[str] = []
        for k in widening(POOL, len(self.source.index)):
            result = self.source.search(vector[None], k, exclude=excluded)[0]
            ids = result.ids
            chosen = self.choose(ids, position)
            if chosen is not None or result.all_of_them:
                break
        if chosen is None:
            chosen = self.choose(ids, position, close=True)
        return chosen
