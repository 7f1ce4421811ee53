from __future__ import annotations

import pytest

from audiorec.data.histories import Listen, Tally
from audiorec.data.histories.field_values import (
    local_to_utc,
    normalize_rating,
    number,
    parse_time,
    path_text,
    text,
)


def test_values_that_are_none():
    tally = Tally()
    assert text(["x"]) == text(None) == text(7) == "" and text(" a\0\n b ") == "a b"
    assert text("\ud800") == "?" and len(text("x" * 9999)) == 500
    assert number(True) is number("x") is number(float("nan")) is number("1e999") is None
    assert [parse_time(value, tally) for value in (0, -5, 9e9, 4e12, "x", None, [], True)] == [
        None
    ] * 8
    assert tally["plays at an impossible time"] == 8
    assert (
        parse_time(1.7e12, tally)
        == parse_time(1.7e9, tally)
        == parse_time("2023-11-14T22:13:20+00:00", tally)
    )
    assert [normalize_rating(value, best=5) for value in (0, 1, 3, 5, 6, None)] == [
        None, pytest.approx(-2 / 3), 0.0, 1.0, None, None,
    ]  # fmt: skip
    assert local_to_utc(1e300) == 1e300
    assert path_text(7) == path_text("a\0b") == "" and path_text(b"a\xff ") == "a\\xff "
    assert Listen().title == ""
