"""Mix: for several listeners at once."""

from __future__ import annotations

import numpy as np

from audiorec.playlist.assembly import Assembly
from audiorec.playlist.entries import Pick
from audiorec.playlist.kinds.listener import listener_search
from audiorec.playlist.order import improve_order
from audiorec.playlist.source import TrackSource

POOL = 20  # candidates of each listener, for each track wanted


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Tracks that stand high for all; who has had least so far is served next.

    A track is worth to a listener the share of the candidates that stand below it. Each next one
    has the highest worth for the listener who has the least in sum, plus the mean of all.
    """
    users = list(dict.fromkeys(source.request.users))
    pool = sorted({i for user in users for i in listener_search(source, user, POOL * n)})
    source.load(pool)
    worth = np.array([_worth(source, user, pool) for user in users])
    had = np.zeros(len(users))
    assembly = Assembly(source)
    reasons: dict[str, str] = {}
    while len(assembly) < n and pool:
        value = worth[int(had.argmin())] + worth.mean(axis=0)
        order = np.argsort(-value, kind="stable")
        ids = source.shuffled([pool[row] for row in order])
        id_ = assembly.choose(ids, len(assembly)) or assembly.choose(ids, len(assembly), close=True)
        if id_ is None:
            break
        assembly.insert(id_, len(assembly))
        row = worth[:, pool.index(id_)]
        had += row
        reasons[id_] = ", ".join(
            f"above {100 * share:.0f} % for {user}"
            for user, share in zip(users, row.tolist(), strict=True)
        )
    ids = assembly.order
    rows = improve_order(
        source.units(ids),
        range(len(ids)),
        labels=[source.track(id_).artist_key for id_ in ids],
        window=max(1, source.request.artist_window),
    )
    return [Pick(ids[row], reasons[ids[row]]) for row in rows]


def _worth(source: TrackSource, user: str, pool: list[str]) -> np.ndarray:
    """Share of the pool that stands below each track : np.ndarray [shape=(n_pool,)]."""
    ranked = listener_search(source, user, len(pool), include=pool)
    place = {id_: rank for rank, id_ in enumerate(ranked)}
    n = max(1, len(pool))
    return np.array([1 - place.get(id_, n) / n for id_ in pool])
