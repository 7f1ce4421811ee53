"""Playlists from seeds: choice and order of the tracks.

The seeds take turns: each picks the nearest track that is not picked yet. The mean of the seeds
would pick tracks near none of them, the library's most average music. Then the tracks are ordered
greedily, each followed by the nearest allowed one, and the steps are evened out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from audiorec.data.catalog.records import artist_key
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.index import Index
from audiorec.playlist.order import Apart, improve_order
from audiorec.playlist.spacing import Artist, Spacing, max_following
from audiorec.recommend import ScoredTrack, query_vectors

# Candidates per requested track, before the whole library is searched.
POOL = 8

Search = Callable[[np.ndarray, int, Sequence[str]], list[list[str]]]
Cap = tuple[Callable[[str], Hashable | None], int]


def make_playlist(
    index: Index,
    embeddings: Embeddings | None,
    seeds: Sequence[str],
    *,
    length: int,
    artists: Mapping[str, str],
    artist_window: int = 3,
    duplicates: Mapping[str, Hashable] | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
    own: Collection[str] | None = None,
    search: Search | None = None,
    caps: Sequence[Cap] = (),
    apart: Sequence[Cap] = (),
    diversity: float = 0.0,
) -> list[ScoredTrack]:
    """Make a playlist that starts from seed tracks and stays near them.

    Parameters
    ----------
    index : Index
    embeddings : Embeddings or None
        Vectors of seeds that the index does not hold; see `recommend.similar`. Such seeds steer
        the playlist and are not in it.
    seeds : sequence of str
        Ids. The first opens the playlist; the others are included if there is room.
    length : int
        Number of tracks; fewer only if the library has fewer.
    artists : mapping of str to str
        Artist by track. Tracks without one, or with an empty one, never conflict.
    artist_window : int
        No artist occurs twice among so many consecutive tracks. 1 means no spacing.
    duplicates : mapping of str to int
        Groups of the same recording, of which one track is used.
    include, exclude : collections of str
        See `Index.search`. Seeds are used regardless of them.
    own : collection of str or None
        Seeds that may be in the playlist; None for all seeds in the index.
    search : callable, optional
        Replaces `index.search` with `include` and `exclude`: takes vectors, the number of
        candidates and the ids to leave out, and returns a list of ids for each vector.
    caps : sequence of (callable, int)
        Label of a track, such as its artist, and the most tracks of one label.
    apart : sequence of (callable, int)
        Further labels, such as albums, and the window within which a label should not occur
        twice.
    diversity : float
        See `by_margin`.

    Returns
    -------
    playlist : list of ScoredTrack
        In playing order; a score is the cosine to the nearest seed.

    Raises
    ------
    NotFoundError
        If neither the index nor `embeddings` holds a seed.
    ParameterError
        If there is no seed, a seed's vector is zero, `length` is below 1, or `artist_window`
        below 0.
    """
    for name, value, least in (("length", length, 1), ("artist_window", artist_window, 0)):
        if value < least:
            raise ParameterError(f"{name}={value} must be at least {least}")
    artist_window = max(1, artist_window)  # a window of one track: no spacing
    seeds = [seeds] if isinstance(seeds, str) else list(dict.fromkeys(seeds))
    vectors = query_vectors(index, embeddings, seeds)
    duplicates = {} if duplicates is None else duplicates  # a lazy mapping has no length
    for seed, vector in zip(seeds, vectors, strict=True):
        if not vector.any():
            raise ParameterError(f"the vector of seed {seed!r} is zero; start from another track")
    wanted = POOL * length
    opening = [seed for seed in seeds if seed in (index if own is None else own)]
    while True:
        if search is not None:
            called = search(vectors, wanted, seeds)
        else:
            called = index.search(vectors, wanted, include=include, exclude={*exclude, *seeds}).ids
        if diversity:
            called = [
                by_margin(ids, query=query, index=index, diversity=diversity, n=2 * length)
                for ids, query in zip(called, vectors, strict=True)
            ]
        pool = _gather(
            opening,
            called,
            caps=caps,
            excluded_groups={duplicates[seed] for seed in seeds if seed in duplicates},
            duplicates=duplicates,
            artists=artists,
        )
        room = _longest_length(pool, window=artist_window, limit=length)
        if room >= length or max(map(len, called)) >= len(index) or wanted >= 2 * len(index):
            break
        wanted *= 4
    chosen = [pool.ids[place] for place in _choose(pool, length=room, window=artist_window)]
    if not chosen:
        return []
    units = unit_norm(np.stack([index.vector(id_) for id_ in chosen]))
    order = arrange(
        units,
        [pool.artists[id_] for id_ in chosen],
        window=artist_window,
        more=[([of(id_) for id_ in chosen], window) for of, window in apart],
    )
    scores = (units @ unit_norm(vectors).T).max(axis=1)
    return [ScoredTrack(chosen[place], float(scores[place])) for place in order]


def by_margin(
    ids: Sequence[str], *, query: np.ndarray, index: Index, diversity: float, n: int
) -> list[str]:
    """Order candidates by maximal marginal relevance, up to the first `n`.

    Carbonell & Goldstein 1998: each next one has the highest (1 - diversity) times its cosine to
    the query, minus diversity times its cosine to the nearest of those before it.
    """
    if len(ids) < 2:
        return list(ids)
    units = unit_norm(np.stack([index.vector(id_) for id_ in ids]))
    relevance = (1 - diversity) * (units @ unit_norm(query[None])[0])
    order = [int(relevance.argmax())]
    nearest = units @ units[order[0]]
    left = np.ones(len(ids), dtype=bool)
    left[order[0]] = False
    while len(order) < min(n, len(ids)):
        place = int(np.where(left, relevance - diversity * nearest, -np.inf).argmax())
        order.append(place)
        left[place] = False
        nearest = np.maximum(nearest, units @ units[place])
    rest = [place for place in range(len(ids)) if left[place]]
    return [ids[place] for place in (*order, *rest)]


class _SeedCandidates(NamedTuple):
    """Candidates of a playlist.

    Attributes
    ----------
    ids : list of str
        Seeds first.
    artists : dict of str to artist
        Artist of each; a unique one where unknown.
    n_seeds : int
        Number of seeds, which come first.
    calls : list of list of int
        Positions in `ids` of each seed's candidates, nearest first.
    """

    ids: list[str]
    artists: dict[str, Artist]
    n_seeds: int
    calls: list[list[int]]


def _gather(
    seeds: Sequence[str],
    called: Sequence[Sequence[str]],
    *,
    excluded_groups: set[Hashable],
    duplicates: Mapping[str, Hashable],
    artists: Mapping[str, str],
    caps: Sequence[Cap],
) -> _SeedCandidates:
    """Keep one track per recording: a seed, or else the first candidate."""
    taken: dict[Hashable, str] = {}
    kept = [s for s in seeds if s not in duplicates or taken.setdefault(duplicates[s], s) == s]
    counts = [Counter(of(id_) for id_ in kept) for of, _ in caps]
    places = {id_: place for place, id_ in enumerate(kept)}
    calls: list[list[int]] = [[] for _ in called]
    for rank in zip_longest(*called):
        for caller, id_ in enumerate(rank):
            group = duplicates.get(id_)
            if group in excluded_groups or (
                group is not None and taken.setdefault(group, id_) != id_
            ):
                continue
            if id_ not in places:
                keys = [of(id_) for of, _ in caps]
                full = [
                    key is not None and count[key] >= most
                    for key, count, (_, most) in zip(keys, counts, caps, strict=True)
                ]
                if any(full):
                    continue
                for key, count in zip(keys, counts, strict=True):
                    count[key] += 1
            calls[caller].append(places.setdefault(id_, len(places)))
    return _SeedCandidates(
        list(places),
        {id_: artist_key(artists.get(id_) or "", track_id=id_) for id_ in places},
        len(kept),
        calls,
    )


def _longest_length(pool: _SeedCandidates, *, window: int, limit: int) -> int:
    """Return the greatest possible length, up to `limit`; the first seed opens."""
    counts = Counter(pool.artists.values())
    if not pool.n_seeds:
        return max_following(counts, window=window, limit=limit)
    opening = pool.artists[pool.ids[0]]
    counts[opening] -= 1
    return 1 + max_following(counts, after=[opening], window=window, limit=limit - 1)


def _choose(pool: _SeedCandidates, *, length: int, window: int) -> list[int]:
    """Choose positions of the tracks: the seeds, then each seed's candidates in turn.

    The order of choice keeps artists apart, so at least one valid order exists.
    """
    spacing = Spacing(pool.artists.values(), window=window)
    lists = [list(range(pool.n_seeds)), *pool.calls]
    used: set[int] = set()
    chosen: list[int] = []
    turn = 0
    while len(chosen) < length:
        need = length - len(chosen)
        callers = [0, *(1 + (turn + step) % len(pool.calls) for step in range(len(pool.calls)))]
        for caller in callers:
            lists[caller] = [place for place in lists[caller] if place not in used]
            place = next(
                (p for p in lists[caller] if spacing.fits(pool.artists[pool.ids[p]], need=need)),
                None,
            )
            if place is not None:
                break
        else:
            break
        turn = caller if caller else turn
        used.add(place)
        chosen.append(place)
        spacing.take(pool.artists[pool.ids[place]])
    return chosen


def arrange(
    units: np.ndarray, artists: Sequence[Artist], *, window: int, more: Sequence[Apart] = ()
) -> list[int]:
    """Order tracks so that each is followed by a near one that is allowed.

    Parameters
    ----------
    units : np.ndarray [shape=(n, d)], float32
        Unit vectors; the first opens. If the given order keeps artists apart, so does the new.
    artists : sequence of artist
    window : int
    more
        See `improve_order`.
    """
    spacing = Spacing(artists, window=window)
    order: list[int] = []
    left = set(range(len(artists)))
    near = np.zeros(len(artists))
    near[:1] = 1
    while left:
        following = sorted(left, key=lambda place: (-near[place], place))
        place = next((p for p in following if spacing.fits(artists[p], need=len(left))), None)
        if place is None:
            order = list(range(len(artists)))
            break
        order.append(place)
        left.remove(place)
        spacing.take(artists[place])
        near = units @ units[place]
    return improve_order(units, order, labels=artists, window=window, more=more)
