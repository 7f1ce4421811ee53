"""How far artists can be kept apart, against trying everything."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.playlist.spacing import Spacing, has_room, max_following


def max_following_by_trying(counts, after, window, limit):
    """Every order there is."""

    @cache
    def further(left, recent, room):
        best = 0
        for place, n in enumerate(left):
            if room and n and place not in recent:
                fewer = (*left[:place], n - 1, *left[place + 1 :])
                keep = (*recent, place)[-(window - 1) :] if window > 1 else ()
                best = max(best, 1 + further(fewer, keep, room - 1))
        return best

    return further(tuple(counts), tuple(after[-(window - 1) :] if window > 1 else ()), limit)


@settings(max_examples=400, deadline=None)
@given(
    counts=st.lists(st.integers(0, 4), max_size=4),
    window=st.integers(1, 5),
    limit=st.integers(0, 10),
    after=st.permutations(range(4)),
    n_after=st.integers(0, 4),
)
def test_max_following_is_as_far_as_any_order_goes(counts, window, limit, after, n_after):
    after = after[:n_after]
    expected = max_following_by_trying(counts, after, window, limit)
    assert (
        max_following(dict(enumerate(counts)), after=after, window=window, limit=limit) == expected
    )


@pytest.mark.parametrize(
    ("artists", "window", "expected"),
    [
        ("", 3, 0),
        ("aaa", 1, 3),
        ("aaa", 2, 1),
        ("aabb", 3, 2),
        ("aabbc", 3, 5),
        ("aaaab", 2, 3),
        ("aaabbc", 2, 6),
    ],
)
def test_max_following_by_hand(artists, window, expected):
    assert max_following(Counter(artists), window=window, limit=99) == expected


def test_a_choice_that_leads_into_a_corner_does_not_fit():
    spacing = Spacing("aaabc", window=2)
    assert spacing.fits("a", need=5)
    assert not spacing.fits("b", need=5)
    assert spacing.fits("b", need=4)
    spacing.take("a")
    assert not spacing.fits("a", need=1)


@settings(max_examples=300, deadline=None)
@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=6), window=st.integers(1, 5))
def test_who_has_room_can_be_put_in_an_order(counts, window):
    n = sum(counts)
    left = Counter(dict(enumerate(counts)))
    kept: Counter[int] = Counter()
    for artist in left.elements():
        if has_room(kept, artist, n=n, window=window):
            kept[artist] += 1
    fits = max_following(left, window=window, limit=n) == n
    assert (kept == left) == fits  # everything has room just where there is an order of it
