"""Playlists keep their promises: length, artists apart, no recording twice, near the seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.index import IndexConfig, build_index
from audiorec.playlist import make_playlist
from audiorec.playlist.from_seeds import by_margin


def library(n: int, *, dim: int = 6, seed: int = 0):
    vectors = np.random.default_rng(seed).standard_normal((n, dim))
    return build_index(
        Embeddings([f"t{row:03d}" for row in range(n)], vectors), config=IndexConfig()
    )


def ids(playlist):
    return [match.track_id for match in playlist]


def clashes(playlist, artists, window):
    """Pairs of places where an artist comes twice within the window."""
    names = [artists.get(match.track_id, "").strip().casefold() for match in playlist]
    return [
        (a, b)
        for a in range(len(names))
        for b in range(a + 1, min(len(names), a + window))
        if names[a] and names[a] == names[b]
    ]


@settings(max_examples=150, deadline=None)
@given(
    n=st.integers(1, 30),
    n_artists=st.integers(1, 8),
    n_groups=st.integers(2, 40),
    length=st.integers(1, 35),
    window=st.integers(0, 5),
    n_seeds=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_length_and_artists_apart_are_kept_and_copies_left_out(
    n, n_artists, n_groups, length, window, n_seeds, seed
):
    rng = np.random.default_rng(seed)
    index = library(n, seed=seed)
    artists = {id_: f"A{rng.integers(n_artists)}" for id_ in index.ids if rng.random() < 0.9}
    duplicates = {id_: int(rng.integers(n_groups)) for id_ in index.ids if rng.random() < 0.4}
    seeds = [str(id_) for id_ in rng.choice(index.ids, min(n, n_seeds), replace=False)]
    playlist = make_playlist(
        index,
        None,
        seeds,
        length=length,
        artists=artists,
        artist_window=window,
        duplicates=duplicates,
    )
    assert ids(playlist)[0] == seeds[0]
    assert len(set(ids(playlist))) == len(playlist) <= length
    groups = [duplicates[id_] for id_ in ids(playlist) if id_ in duplicates]
    assert len(set(groups)) == len(groups)
    assert not clashes(playlist, artists, window)
    if window <= 1:
        barred = len(duplicates) - len(set(duplicates.values()))
        assert len(playlist) == min(length, n - barred)


def test_exact_length_where_being_greedy_would_run_short():
    """Five tracks of one artist have to be spread over all eleven places."""
    index = library(11)
    artists = {id_: "a" if n < 5 else f"b{n % 2}" for n, id_ in enumerate(index.ids)}
    for first in ("t000", "t007"):
        playlist = make_playlist(index, None, [first], length=11, artists=artists, artist_window=2)
        assert len(playlist) == 11
        assert not clashes(playlist, artists, 2)


def test_one_artist_gives_one_track():
    index = library(9)
    artists = dict.fromkeys(index.ids, "Same")
    playlist = make_playlist(index, None, ["t003"], length=5, artists=artists)
    assert ids(playlist) == ["t003"]


@pytest.mark.parametrize("name", ["Various Artists", "unknown artist ", ""])
def test_who_is_filed_under_no_artists_name_may_come_together(name):
    index = library(9)
    artists = dict.fromkeys(index.ids, name)
    assert len(make_playlist(index, None, ["t003"], length=5, artists=artists)) == 5


def test_artists_beyond_the_first_candidates_are_found():
    """The nearest hundreds are by the seed's artist; the playlist looks further."""
    rng = np.random.default_rng(0)
    near = rng.normal([1, 0, 0], 0.01, (500, 3))
    far = rng.normal([0, 1, 0], 0.01, (5, 3))
    names = [f"n{row:03d}" for row in range(500)] + [f"f{row}" for row in range(5)]
    index = build_index(Embeddings(names, np.concatenate([near, far])), config=IndexConfig())
    artists = {id_: "one" if id_.startswith("n") else id_ for id_ in names}
    playlist = make_playlist(index, None, ["n000"], length=8, artists=artists, artist_window=2)
    assert len(playlist) == 8
    assert not clashes(playlist, artists, 2)


def test_several_seeds_are_each_heard_and_their_mean_is_not():
    rng = np.random.default_rng(0)
    corners = {"x": [1, 0, 0], "y": [0, 1, 0], "m": [0.7, 0.7, 0]}
    names = [f"{corner}{row}" for corner in corners for row in range(30)]
    vectors = np.concatenate([rng.normal(at, 0.02, (30, 3)) for at in corners.values()])
    index = build_index(Embeddings(names, vectors), config=IndexConfig())
    playlist = make_playlist(index, None, ["x0", "y0"], length=20, artists={})
    kinds = [id_[0] for id_ in ids(playlist)]
    assert kinds.count("x") == kinds.count("y") == 10
    # Neighbours are alike: it goes from one corner to the other once.
    assert "".join(kinds) == "x" * 10 + "y" * 10
    assert all(match.score > 0.99 for match in playlist)


def test_seeds_of_one_recording_come_once_and_outside_seeds_only_steer():
    index = library(20)
    duplicates = {"t001": 4, "t002": 4, "t003": 4}
    playlist = make_playlist(
        index, None, ["t001", "t002"], length=18, artists={}, duplicates=duplicates
    )
    assert ids(playlist)[0] == "t001"
    assert not {"t002", "t003"} & set(ids(playlist))
    outside = Embeddings(["new.mp3"], index.vector("t005")[np.newaxis])
    playlist = make_playlist(index, outside, ["new.mp3"], length=4, artists={})
    assert ids(playlist)[0] == "t005"
    assert len(playlist) == 4


def test_filters_and_the_same_again():
    index = library(40)
    options = {"length": 10, "artists": {}, "include": index.ids[:20], "exclude": index.ids[:5]}
    playlist = make_playlist(index, None, ["t000"], **options)
    assert ids(playlist)[0] == "t000"
    assert set(ids(playlist)[1:]) <= set(index.ids[5:20])
    assert playlist == make_playlist(index, None, ["t000"], **options)


def test_bad_wishes():
    index = library(5)
    with pytest.raises(ParameterError, match="length=0 must be at least 1"):
        make_playlist(index, None, ["t000"], length=0, artists={})
    with pytest.raises(ParameterError, match="artist_window=-1 must be at least 0"):
        make_playlist(index, None, ["t000"], length=3, artists={}, artist_window=-1)
    one = dict.fromkeys(index.ids, "one artist")
    free = make_playlist(index, None, ["t000"], length=5, artists=one, artist_window=0)
    assert len(free) == 5
    with pytest.raises(ParameterError, match="name at least one"):
        make_playlist(index, None, [], length=3, artists={})
    with pytest.raises(NotFoundError, match="'nobody'"):
        make_playlist(index, None, ["nobody"], length=3, artists={})
    silent = Embeddings(["silent"], np.zeros((1, 6)))
    with pytest.raises(ParameterError, match="seed 'silent' is zero"):
        make_playlist(index, silent, ["silent"], length=3, artists={})


def margin(ids, *, query, index, diversity):
    """`by_margin` as its paper has it: each next one by its best margin to those before."""
    unit = {id_: unit_norm(index.vector(id_)[None])[0] for id_ in ids}
    query, left, order = unit_norm(query[None])[0], list(ids), []
    while left:
        best = max(
            left,
            key=lambda id_: (
                (1 - diversity) * (unit[id_] @ query)
                - (diversity * max(unit[id_] @ unit[o] for o in order) if order else 0)
            ),
        )
        order.append(best)
        left.remove(best)
    return order


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.8, 1.0])
def test_the_margin_is_that_of_its_paper(diversity):
    index = library(30)
    some, query = list(index.ids[3:25]), index.vector("t000")
    expected = margin(some, query=query, index=index, diversity=diversity)
    found = by_margin(some, query=query, index=index, diversity=diversity, n=99)
    assert found == expected
    first = by_margin(some, query=query, index=index, diversity=diversity, n=5)
    assert first[:5] == expected[:5] and sorted(first) == sorted(some)
    assert first[5:] == [id_ for id_ in some if id_ not in first[:5]], "the rest as it was"
    for few in ([], ["t004"]):
        assert by_margin(few, query=query, index=index, diversity=diversity, n=5) == few


def test_diversity_takes_tracks_that_are_less_alike():
    index = library(200, dim=3)
    near, wide = (
        make_playlist(index, None, ["t000"], length=12, artists={}, diversity=diversity)
        for diversity in (0.0, 0.7)
    )
    assert len(near) == len(wide) == 12 and ids(wide)[0] == "t000"

    def likeness(playlist):
        units = unit_norm(np.stack([index.vector(id_) for id_ in ids(playlist)]))
        return (units @ units.T).mean()

    assert likeness(wide) < likeness(near) - 0.1


def test_nothing_is_left_to_play():
    index = library(3)
    assert make_playlist(index, None, ["t000"], length=5, artists={}, own=(), include=()) == []
