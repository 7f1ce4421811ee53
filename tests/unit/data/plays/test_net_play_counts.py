"""Plays, skips and ratings as one number, equal to a readable twin."""

from __future__ import annotations

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.data.plays import net_plays

COLUMNS = {"user_id": pl.String, "track_id": pl.String, "plays": pl.Float64,
           "skipped": pl.Float64, "rating": pl.Float64}  # fmt: skip


def net(*rows, rating_plays=10.0, without=()) -> dict[str, float]:
    frame = pl.DataFrame([("u", *row) for row in rows], schema=COLUMNS, orient="row").drop(without)
    found = net_plays(frame, rating_plays=rating_plays)
    assert found["track_id"].is_unique().all()
    return dict(zip(found["track_id"], found["plays"], strict=True))


def test_skips_are_taken_from_plays() -> None:
    assert net(("a", 5, 2, None)) == {"a": 1}  # five starts: three heard through, two broken off
    assert net(("a", 1, 1, None), ("a", 1, 0, None), ("a", 4, None, None)) == {"a": 4}
    assert net(("a", 0, 3, None), ("b", 1, 1, None)) == {"a": -3, "b": -1}
    assert net(("a", 2, 1, None)) == {}  # as often heard through as broken off


def test_a_rating_decides_over_plays_and_skips() -> None:
    assert net(("a", 20, 0, -1), ("b", 20, 20, 1), ("c", 3, 1, 0)) == {"a": -10, "b": 10, "c": 1}
    assert net(("a", 2, 2, -0.5), ("b", 2, 0, 0.25), rating_plays=4) == {"a": -4, "b": 3}


def test_several_ratings_count_as_their_mean() -> None:
    assert net(("a", 1, None, 1), ("a", 1, None, -0.5)) == {"a": 4.5}
    assert net(("a", 1, None, 1), ("a", 1, None, -1), ("a", 1, None, None)) == {"a": 3}


def test_without_the_columns_rows_stay_as_they_are() -> None:
    frame = pl.DataFrame({"user_id": ["u", "u"], "track_id": ["a", "a"], "plays": [1.0, 2.0]})
    assert net_plays(frame, rating_plays=1).equals(frame)
    assert net(("a", 5, 2, -1), without="rating") == {"a": 1}
    assert net(("a", 5, 2, -1), without="skipped") == {"a": -10}


def slow_net(rows, k) -> dict[str, float]:
    whole, skips, ratings = defaultdict(float), defaultdict(float), defaultdict(list)
    for track, plays, skipped, rating in rows:
        whole[track] += max(plays - (skipped or 0), 0)
        skips[track] += skipped or 0
        if rating is not None:
            ratings[track].append(rating)
    found = {}
    for track in whole:
        q = sum(ratings[track]) / len(ratings[track]) if ratings[track] else 0
        if q > 0:
            found[track] = whole[track] + k * q
        elif q < 0:
            found[track] = -(skips[track] + k * -q)
        elif whole[track] != skips[track]:
            found[track] = whole[track] - skips[track]
    return found


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(0, 9), st.one_of(st.none(), st.integers(0, 5)),
            st.sampled_from([None, -1, -0.5, 0, 0.5, 1]),
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_the_readable_twin_agrees(rows) -> None:
    assert net(*rows, rating_plays=3) == pytest.approx(slow_net(rows, 3))
