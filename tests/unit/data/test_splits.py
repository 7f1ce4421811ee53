"""Splits: nothing straddles, nothing is lost, and the same seed deals the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.data import split_tracks, split_users
from audiorec.exceptions import ParameterError

TRACKS = [f"t{n:03d}" for n in range(200)]
ARTISTS = {id_: f"artist {n // 5}" for n, id_ in enumerate(TRACKS)}


def side_of(split) -> dict[str, str]:
    return {id_: name for name, ids in split._asdict().items() for id_ in ids}


@given(st.integers(0, 2**31 - 1), st.floats(0.05, 0.5), st.floats(0, 0.3))
def test_artists_never_straddle_and_every_track_lies_once(seed, test_fraction, validation_share):
    split = split_tracks(
        TRACKS, ARTISTS, test_fraction=test_fraction, validation_share=validation_share, seed=seed
    )
    sides = side_of(split)
    assert sorted(sides) == TRACKS
    assert sum(map(len, split)) == len(TRACKS)
    by_artist = {}
    for id_, side in sides.items():
        assert by_artist.setdefault(ARTISTS[id_], side) == side
    assert abs(len(split.test) - test_fraction * 200) <= 5
    assert abs(len(split.validation) - validation_share * 200) <= 5


def test_duplicates_join_their_artists():
    duplicates = {"t000": 1, "t005": 1, "t010": "x", "t196": "x"}
    for seed in range(20):
        side = side_of(
            split_tracks(TRACKS, ARTISTS, test_fraction=0.3, seed=seed, duplicates=duplicates)
        )
        assert len({side[f"t{n:03d}"] for n in range(10)}) == 1
        assert len({side[f"t{n:03d}"] for n in (*range(10, 15), *range(195, 200))}) == 1


def test_split_by_track_parts_artists_but_not_duplicates():
    duplicates = {id_: n // 2 for n, id_ in enumerate(TRACKS)}
    split = split_tracks(
        TRACKS, ARTISTS, by="track", test_fraction=0.3, seed=0, duplicates=duplicates
    )
    side = side_of(split)
    assert all(side[a] == side[b] for a, b in zip(TRACKS[::2], TRACKS[1::2], strict=True))
    artists = [ARTISTS[id_] for id_ in split.test]
    assert set(artists) & {ARTISTS[id_] for id_ in split.train}
    assert len(split.test) == 60


def test_the_order_of_ids_changes_the_order_only():
    one = split_tracks(TRACKS, ARTISTS, test_fraction=0.2, validation_share=0.1, seed=4)
    other = split_tracks(TRACKS[::-1], ARTISTS, test_fraction=0.2, validation_share=0.1, seed=4)
    assert [part[::-1] for part in other] == list(one)
    different = split_tracks(TRACKS, ARTISTS, test_fraction=0.2, validation_share=0.1, seed=5)
    assert different.test != one.test


def test_tracks_without_an_artist_stand_alone():
    groups = {"t000": "", "t001": ""}
    seen = {
        side_of(split_tracks(["t000", "t001", "t002"], groups, test_fraction=0.3, seed=seed))[
            "t000"
        ]
        == side_of(split_tracks(["t000", "t001", "t002"], groups, test_fraction=0.3, seed=seed))[
            "t001"
        ]
        for seed in range(20)
    }
    assert seen == {True, False}


def test_no_test_share_leaves_the_test_side_empty():
    split = split_tracks(TRACKS, ARTISTS, test_fraction=0.0, validation_share=0.1, seed=0)
    assert split.test == () and len(split.validation) == 20


def test_two_artists_of_unequal_size_still_make_two_sides():
    groups = {"a": 1, "b": 1, "c": 1, "d": 2}
    split = split_tracks(list("abcd"), groups, test_fraction=0.01, seed=0)
    assert split.test == ("d",)


@pytest.mark.parametrize(
    ("tracks", "settings", "message"),
    [
        ("abc", {"test_fraction": 0.2}, "the test side would be empty: one artist, '1', holds all "
         r"tracks; split by track \(track-cold\)"),
        ("a", {"test_fraction": 0.2, "by": "track"}, "all tracks are duplicates of each other"),
        ("abcx", {"test_fraction": 0.4, "validation_share": 0.4},
         "the train side would be empty: there are only 2 artists"),
        ("", {"test_fraction": 0.2}, "would be empty: there are only 0 artists"),
        ("abcx", {"test_fraction": 1.0}, r"test_fraction=1.0 must be at least 0 and below 1"),
        ("abcx", {"test_fraction": 0.2, "validation_share": -0.1}, "validation_share=-0.1 must be"),
        ("abcx", {"test_fraction": 0.6, "validation_share": 0.4}, "leave nothing to train on"),
        ("abca", {"test_fraction": 0.2}, "holds an id twice"),
        ("abcx", {"test_fraction": float("nan")}, "test_fraction=nan must be"),
    ],
)  # fmt: skip
def test_impossible_splits_say_why(tracks, settings, message):
    groups = {"a": 1, "b": 1, "c": 1, "x": 2}
    with pytest.raises(ParameterError, match=message):
        split_tracks(list(tracks), groups, seed=0, **settings)


@given(st.integers(2, 31), st.integers(0, 100))
def test_halves_are_halves(n, seed):
    users = [f"u{i}" for i in range(n)]
    halves = split_users(users, seed=seed)
    assert len(halves.first) - len(halves.second) == n % 2
    assert sorted(halves.first + halves.second) == sorted(users)
    again = split_users(users[::-1], seed=seed)
    assert set(again.first) == set(halves.first)


def test_one_listener_cannot_be_halved():
    with pytest.raises(ParameterError, match="1 listeners cannot be halved"):
        split_users(["u"], seed=0)
    assert split_users([str(i) for i in range(9)], seed=0) != split_users(
        [str(i) for i in range(9)], seed=1
    )
