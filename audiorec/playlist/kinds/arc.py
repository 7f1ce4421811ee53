"""Arc: tempo or energy that rises, falls, or goes up and down, near the seeds."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from audiorec.exceptions import NotFoundError
from audiorec.playlist.entries import Pick
from audiorec.playlist.growing import GrowingPlaylist
from audiorec.playlist.source import TrackSource, widening

POOL = 6  # candidates per requested track
LEVEL = 0.02  # values that differ by less than this part are level
UNITS = {"tempo": "BPM", "energy": "dB"}


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose tracks near the seeds, ordered by a descriptor."""
    request = source.request
    values = source.library.descriptors().values(request.by)
    if not values:
        raise NotFoundError(f"no track's {request.by} is known; run 'audiorec descriptors' once")
    known = [id_ for id_ in source.own if id_ in values]
    if len(known) < len(source.own):
        source.note(f"seeds whose {request.by} is not known steer the playlist, and are not in it")
    playlist = GrowingPlaylist(source, known[:n])
    unclear = _unclear(source) if request.by == "tempo" else frozenset()
    for k in widening(POOL * n, len(source.index)):
        pool = _near(source, k, values)
        _spread(playlist, pool, values, n=n, last=unclear)
        if len(playlist) >= n or k >= len(source.index):
            break
    order = _shaped(sorted(playlist.order, key=lambda id_: (values[id_], id_)), request.shape)
    order = _with_artists_apart(playlist, order, values)
    order = _replaced(playlist, order, values, last=unclear)
    unit = UNITS[request.by]
    shown = {"rise": "rising", "fall": "falling", "arch": "up and down"}[request.shape]
    return [Pick(id_, f"{request.by} {values[id_]:.0f} {unit}, {shown}") for id_ in order]


def _near(source: TrackSource, k: int, among: Collection[str]) -> list[str]:
    """Find candidates among some tracks, the seeds taking turns."""
    results = source.search(source.seed_units, k, include=among, exclude=source.seeds.ids)
    longest = max((len(each.ids) for each in results), default=0)
    turns = (each.ids[rank] for rank in range(longest) for each in results if rank < len(each.ids))
    return list(dict.fromkeys(turns))[:k]


def _unclear(source: TrackSource) -> frozenset[str]:
    """Return the half of the tracks with the least certain tempo."""
    clarity = source.library.descriptors().values("tempo_clarity")
    if not clarity:
        return frozenset()
    middle = float(np.median(list(clarity.values())))
    return frozenset(id_ for id_, value in clarity.items() if value < middle)


def _spread(
    playlist: GrowingPlaylist,
    pool: list[str],
    values: dict[str, float],
    *,
    n: int,
    last: Collection[str],
) -> None:
    """Add the nearest track of each of equal parts of the pool's values.

    Those of `last` are used only if there is no other.
    """
    need = n - len(playlist)
    if need <= 0 or not pool:
        return
    ranked = sorted(pool, key=lambda id_: (values[id_], id_))
    nearness = {id_: rank for rank, id_ in enumerate(pool)}
    for part in np.array_split(np.array(ranked, dtype=object), min(need, len(ranked))):
        nearest = sorted(part.tolist(), key=lambda id_: (id_ in last, nearness[id_]))
        # Its position is known only at the end; here it only has to be allowed at all.
        id_ = playlist.choose(nearest, len(playlist), close=False) or playlist.choose(
            nearest, len(playlist), close=True
        )
        if id_ is not None:
            playlist.insert(id_, len(playlist))
    for id_ in pool:
        if len(playlist) >= n:
            break
        if playlist.allows(id_):
            playlist.insert(id_, len(playlist))


def _shaped(rising: list[str], shape: str) -> list[str]:
    if shape == "fall":
        return rising[::-1]
    return [*rising[::2], *rising[1::2][::-1]] if shape == "arch" else rising


def _with_artists_apart(
    playlist: GrowingPlaylist, order: list[str], values: dict[str, float]
) -> list[str]:
    """Swap neighbours where that separates an artist's tracks at little cost."""
    window = max(1, playlist.source.request.artist_window)
    artist = [playlist.source.track(id_).artist_key for id_ in order]
    for place in range(1, len(order)):
        if artist[place] not in artist[max(0, place - window + 1) : place]:
            continue
        recent = artist[max(0, place - window + 1) : place]
        for other in range(place + 1, min(place + 3, len(order))):
            here = values[order[place]]
            level = abs(values[order[other]] - here) <= LEVEL * abs(here)
            if artist[other] not in recent and level:
                for row in (order, artist):
                    row[place], row[other] = row[other], row[place]
                break
    return order


def _replaced(
    playlist: GrowingPlaylist, order: list[str], values: dict[str, float], *, last: Collection[str]
) -> list[str]:
    """Replace tracks whose artist or album occurs twice in its window.

    A replacement's value lies between its neighbours', or is level with one of them, so that the
    arc keeps its shape.
    """
    source = playlist.source
    own = set(source.own)
    for place, id_ in enumerate(order):
        rest = GrowingPlaylist(source, [*order[:place], *order[place + 1 :]])
        if id_ in own or not rest.is_close(id_, place):
            continue
        low, high = _bounds([values[other] for other in order], place, source.request.shape)
        order[place] = (
            _fitting(rest, place, low, high, values, last=last)
            or _fitting(
                rest, place, low - LEVEL * abs(low), high + LEVEL * abs(high), values, last=last
            )
            or id_
        )
    return order


def _fitting(
    rest: GrowingPlaylist,
    place: int,
    low: float,
    high: float,
    values: dict[str, float],
    *,
    last: Collection[str],
) -> str | None:
    """Return the nearest track with a value in an interval that is allowed at a position."""
    source = rest.source
    between = {id_ for id_, value in values.items() if low <= value <= high}
    for k in widening(POOL, len(between)):
        pool = sorted(_near(source, k, between), key=lambda id_: id_ in last)
        source.load(pool)
        if (chosen := rest.choose(pool, place)) is not None:
            return chosen
    return None


def _bounds(values: list[float], place: int, shape: str) -> tuple[float, float]:
    """Return the least and greatest value allowed at a position between its neighbours."""
    before = values[place - 1] if place else None
    after = values[place + 1] if place + 1 < len(values) else None
    peak = len(values) // 2
    if shape == "arch" and place == peak:
        return max(x for x in (before, after, -np.inf) if x is not None), np.inf
    rises = shape == "rise" or (shape == "arch" and place < peak)
    low, high = (before, after) if rises else (after, before)
    return -np.inf if low is None else low, np.inf if high is None else high
