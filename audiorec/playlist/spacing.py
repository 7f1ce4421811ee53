"""Spacing of an artist's tracks, without running into a dead end.

An order in which no artist occurs twice within a window is task scheduling with a cooldown: always
taking the allowed artist with the most tracks left gets furthest. Looking ahead that way tells
whether a choice still leaves room for all later tracks.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

Artist = Hashable


def max_following(
    counts: Mapping[Artist, int], *, after: Sequence[Artist] = (), window: int, limit: int
) -> int:
    """Compute how many tracks can follow, no artist twice among `window` consecutive ones.

    Parameters
    ----------
    counts : mapping of artist to int
        Tracks that each artist has left.
    after : sequence of artist
        Artists of the tracks before, the last one last.
    window : int
    limit : int
        Upper limit of the result.
    """
    resting = deque(after[max(0, len(after) - window + 1) :])
    left = {artist: n for artist, n in counts.items() if n > 0}
    free = [(-n, place, a) for place, (a, n) in enumerate(left.items()) if a not in resting]
    if len(free) >= limit:
        return max(0, limit)
    places = {artist: place for place, artist in enumerate(left)}
    heapify(free)
    for done in range(limit):
        if len(resting) >= window:
            rested = resting.popleft()
            if left.get(rested, 0) > 0:
                heappush(free, (-left[rested], places[rested], rested))
        if not free:
            return done
        artist = heappop(free)[2]
        left[artist] -= 1
        resting.append(artist)
    return limit


def has_room(counts: Mapping[Artist, int], artist: Artist, *, n: int, window: int) -> bool:
    """Whether one more track of an artist fits among `n`, no artist twice in a window.

    An artist has at most one track in each stretch of `window`, and the number of artists with a
    track in every stretch is limited by the places of the last one.

    Parameters
    ----------
    counts : mapping of artist to int
        Tracks of each that have been placed.
    artist : artist
    n, window : int
    """
    if window < 2:
        return True
    most = -(-n // window)
    own = counts.get(artist, 0) + 1
    if own != most:
        return own < most
    return sum(count == most for count in counts.values()) < n - (most - 1) * window


class Spacing:
    """Incrementally built order, and the artists allowed next.

    Parameters
    ----------
    artists : iterable of artist
        Artists of all candidate tracks, one entry per track.
    window : int
        No artist occurs twice among so many consecutive tracks.
    """

    def __init__(self, artists: Iterable[Artist], *, window: int) -> None:
        self._left = Counter(artists)
        self._window = window
        self._recent: list[Artist] = []
        self._fits: dict[tuple[Artist, int], bool] = {}

    def fits(self, artist: Artist, *, need: int) -> bool:
        """Whether the artist is allowed next and leaves room for `need` tracks, this included."""
        if artist in self._recent:
            return False
        if (artist, need) not in self._fits:
            left = self._left.copy()
            left[artist] -= 1
            after = [*self._recent, artist]
            further = max_following(left, after=after, window=self._window, limit=need - 1)
            self._fits[artist, need] = further >= need - 1
        return self._fits[artist, need]

    def take(self, artist: Artist) -> None:
        """Append a track of the artist."""
        self._left[artist] -= 1
        keep = self._window - 1
        self._recent = [*self._recent, artist][-keep:] if keep else []
        self._fits.clear()
