"""Every filter lets through what fits it, and nothing else."""

from __future__ import annotations

import time

import pytest

from audiorec.data.catalog import Catalog, Track
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.recommend import TrackFilter
from audiorec.recommend.filters import select_tracks

GENRES = ("Deep House", "jazz", "Acid Jazz; Funk", "")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    path = tmp_path_factory.mktemp("filters") / "catalog.sqlite"
    with Catalog(path) as catalog:
        catalog.upsert(
            Track(
                f"t{n}", f"/music/{'a' if n < 4 else 'b'}/{n}.mp3", f"Béla {n}", f"T{n}",
                year=None if n == 0 else 1970 + n, genre=GENRES[n % 4], duration=60.0 * n,
            )
            for n in range(8)
        )  # fmt: skip
        yield catalog


def chosen(catalog, **wishes):
    def played(user):
        return {"t1", "t2"}

    found = select_tracks(
        catalog,
        TrackFilter(**wishes),
        played=played,
        last_played=lambda user: {"t1": time.time(), "t2": 0.0},
        descriptors=lambda: {"t1": (90.0, "Am"), "t2": (130.0, "C"), "t3": (float("nan"), "")},
    )
    return None if found is None else sorted(found)


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({}, None),
        ({"genre": ("jazz",)}, "t1 t2 t5 t6"),
        ({"genre": ("house", "funk")}, "t0 t2 t4 t6"),
        ({"genre": ("ouse", "jazz")}, "t1 t2 t5 t6"),
        ({"year": "1972-1973"}, "t2 t3"),
        ({"year": "-1971"}, "t1"),
        ({"length": "4:00-"}, "t4 t5 t6 t7"),
        ({"length": "-2:00"}, "t1 t2"),  # a length that is not known fits none
        ({"path": ("/music/b",)}, "t4 t5 t6 t7"),
        ({"path": ("a/*",), "genre": ("jazz",)}, "t1 t2"),
        ({"not_artist": ("BÉLA 3", "Béla 4")}, "t0 t1 t2 t5 t6 t7"),
        ({"tempo": "80-100"}, "t1"),
        ({"key": ("am", "C")}, "t1 t2"),
        ({"new_for": "me", "path": ("a",)}, "t0 t3"),
        ({"unplayed_since": "7d", "unplayed_by": "me"}, "t2"),
        ({"unplayed_since": "2001-09-09", "unplayed_by": "me"}, "t2"),
    ],
)
def test_what_fits(catalog, wishes, expected):
    assert chosen(catalog, **wishes) == (None if expected is None else expected.split())


def test_contradictions_and_nonsense_are_one_line(catalog):
    for wishes in ({"genre": ("polka",)}, {"genre": ("jazz",), "year": "1974"}):
        with pytest.raises(NotFoundError, match="no track fits the filters .*; widen or drop one"):
            chosen(catalog, **wishes)
    for wishes in (
        {"year": "1980-1970"}, {"year": "soon"}, {"tempo": "-"}, {"length": "1:xx"},
        {"tempo": "0-90"},
        {"added_since": "yesterday"}, {"genre": (" ",)}, {"unplayed_since": "7d"},
    ):  # fmt: skip
        with pytest.raises(ParameterError) as caught:
            TrackFilter(**wishes)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("am", "Am"), ("A", "A"), ("f# minor", "F#m"), ("Gbm", "F#m"), ("C major", "C"),
        ("d flat", "C#"), ("b", "B"), ("H min", "Bm"), ("bb", "Bb"), ("E\u266d", "Eb"),
        ("CM", "C"), ("Cb", "B"), ("G-sharp-minor", "Abm"),
    ],
)  # fmt: skip
def test_keys_as_people_write_them(written, key):
    assert TrackFilter(key=written).key == (key,)


@pytest.mark.parametrize("written", ["Q", "C##", "Am7", "minor", "8A"])
def test_what_is_no_key(written):
    with pytest.raises(ParameterError, match="must be one such as"):
        TrackFilter(key=(written,))
