"""Readable twin of grouping, for tests of what groups tracks."""

from __future__ import annotations

import itertools


def groups_twin(ids_, same):
    """Grow groups until nothing joins any more."""
    groups = [{id_} for id_ in ids_]
    joined = True
    while joined:
        joined = False
        for a, b in itertools.combinations(groups, 2):
            if any(same(x, y) for x in a for y in b):
                groups.remove(b)
                a.update(b)
                joined = True
                break
    return {frozenset(group) for group in groups if len(group) > 1}


def as_sets(groups):
    by_number = {}
    for id_, group in groups.items():
        by_number.setdefault(group, set()).add(id_)
    return {frozenset(group) for group in by_number.values()}
