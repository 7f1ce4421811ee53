"""Mix: for several listeners at once."""

from __future__ import annotations

import numpy as np

from audiorec.playlist.entries import Pick
from audiorec.playlist.growing import GrowingPlaylist
from audiorec.playlist.kinds.listener import listener_search
from audiorec.playlist.source import TrackSource, widening

POOL = 20  # candidates of each listener, per requested track


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose tracks ranked high for all; the listener served least is served next.

    A track's value for a listener is the share of candidates ranked below it. Each next track has
    the highest value for the listener with the least sum so far, plus the mean over all listeners.
    """
    users = list(dict.fromkeys(source.request.users))
    for n_candidates in widening(POOL * n, len(source.index)):
        pool = sorted(
            {i for user in users for i in listener_search(source, user, n_candidates).ids}
        )
        source.load(pool)
        weights = np.array([_user_weights(source, user, pool) for user in users])
        is_last = n_candidates >= len(source.index)
        playlist = _mixed(source, pool, weights, n=n, close=is_last)
        if is_last or len(playlist) >= n:
            break
    place = {id_: row for row, id_ in enumerate(pool)}
    reasons = {
        id_: ", ".join(
            f"above {100 * share:.0f} % for {user}"
            for user, share in zip(users, weights[:, place[id_]].tolist(), strict=True)
        )
        for id_ in playlist.order
    }
    return [Pick(id_, reasons[id_]) for id_ in source.smooth(playlist.order)]


def _mixed(
    source: TrackSource, pool: list[str], worth: np.ndarray, *, n: int, close: bool
) -> GrowingPlaylist:
    """Choose tracks in turn; `close` ignores the windows if needed."""
    place = {id_: row for row, id_ in enumerate(pool)}
    had = np.zeros(len(worth))
    playlist = GrowingPlaylist(source)
    while len(playlist) < n and pool:
        value = worth[int(had.argmin())] + worth.mean(axis=0)
        ids = source.shuffled([pool[row] for row in np.argsort(-value, kind="stable")])
        id_ = playlist.choose(ids, len(playlist))
        if id_ is None and close:
            id_ = playlist.choose(ids, len(playlist), close=True)
        if id_ is None:
            break
        playlist.insert(id_, len(playlist))
        had += worth[:, place[id_]]
    return playlist


def _user_weights(source: TrackSource, user: str, pool: list[str]) -> np.ndarray:
    """Compute the share of the pool ranked below each track : np.ndarray [shape=(n_pool,)]."""
    ranked = listener_search(source, user, len(pool), include=pool).ids
    place = {id_: rank for rank, id_ in enumerate(ranked)}
    n = max(1, len(pool))
    return np.array([1 - place.get(id_, n) / n for id_ in pool])
