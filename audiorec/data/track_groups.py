"""Groupings of tracks: merged groupings, connected components, artists."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping


def merge_groups(*groups: Mapping[str, int]) -> dict[str, int]:
    """Merge several groupings: tracks together in any of them stay together.

    Parameters
    ----------
    *groups : mappings of str to int
        Group numbers of one mapping are unrelated to those of another.

    Returns
    -------
    merged : dict of str to int
        Groups of two or more, numbered in order of appearance.
    """

    def links() -> Iterable[tuple[str, str]]:
        for grouping in groups:
            first: dict[int, str] = {}
            for id_, group in grouping.items():
                yield first.setdefault(group, id_), id_

    return connected_components(links())


def connected_components(links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Connected components of two or more (union-find), numbered as their ids first appear."""
    parent: dict[str, str] = {}

    def root(id_: str) -> str:
        parent.setdefault(id_, id_)
        while parent[id_] != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    for a, b in links:
        above, below = root(a), root(b)
        parent[below] = above
    sizes: dict[str, int] = {}
    for id_ in list(parent):
        sizes[root(id_)] = sizes.get(root(id_), 0) + 1
    numbers: dict[str, int] = {}
    return {
        id_: numbers.setdefault(root(id_), len(numbers))
        for id_ in list(parent)
        if sizes[root(id_)] > 1
    }


def artist_groups(
    ids: Iterable[str], artists: Mapping[str, str], duplicates: Mapping[str, Hashable]
) -> dict[str, str]:
    """Artist of each track, where artists who share a recording count as one.

    A model trained on one copy of a recording must not be tested on another, whatever artist the
    other is tagged with.

    Parameters
    ----------
    ids : iterable of str
    artists : mapping of str to str
        Artist of each track; a track without one is its own artist.
    duplicates : mapping of str to hashable
        Group of each track that has a duplicate.

    Returns
    -------
    groups : dict of str to str
        Artist of each track, or the first by name of merged artists.
    """
    own = {id_: artists.get(id_) or id_ for id_ in ids}
    one = merge_groups(numbered(own, artists), numbered(own, duplicates))
    first: dict[int, str] = {}
    for id_, group in one.items():
        first[group] = min(first.get(group, own[id_]), own[id_])
    return {id_: first[one[id_]] if id_ in one else name for id_, name in own.items()}


def numbered(ids: Iterable[str], groups: Mapping[str, Hashable]) -> dict[str, int]:
    """Number of the group of each of `ids` that has a nonempty one."""
    numbers: dict[Hashable, int] = {}
    known = ((id_, groups[id_]) for id_ in ids if groups.get(id_) not in (None, ""))
    return {id_: numbers.setdefault(group, len(numbers)) for id_, group in known}
