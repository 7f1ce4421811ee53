"""Copies of one recording against readable twins."""

from __future__ import annotations

import itertools
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.data.grouping import artist_groups, merge_groups
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError
from audiorec.mel.duplicates import near_duplicates


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


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(0, 25),
    threshold=st.sampled_from([0.3, 0.9, 0.99, 1.0]),
    block=st.sampled_from([1, 3, 2048]),
    coarse=st.sampled_from([1, 2, 32]),
)
def test_near_duplicates_agree_with_every_pair(seed, n, threshold, block, coarse):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((4, 5))
    prints = centres[rng.integers(0, 4, n)] + rng.choice([0, 0.05, 0.5], (n, 1)) * (
        rng.standard_normal((n, 5))
    )
    embeddings = Embeddings([f"t{row}" for row in range(n)], prints.reshape(n, 5))
    unit = embeddings.normalized()

    def same(a, b):
        return float(unit[a] @ unit[b]) >= threshold - 1e-6

    with patch.multiple("audiorec.mel.duplicates", BLOCK=block, COARSE=coarse):
        groups = near_duplicates(embeddings, threshold=threshold)
    assert as_sets(groups) == groups_twin(embeddings.ids, same)


def test_near_duplicates_number_groups_as_they_come():
    vectors = np.array([[1, 0], [0, 1], [1, 0.001], [0, 2], [-1, -1]], dtype=float)
    prints = Embeddings(["p", "q", "r", "s", "t"], vectors)
    assert near_duplicates(prints, threshold=0.99) == {"p": 0, "r": 0, "q": 1, "s": 1}
    with pytest.raises(ParameterError, match="threshold=1.5"):
        near_duplicates(prints, threshold=1.5)


def test_silent_prints_are_no_duplicates():
    prints = Embeddings(["a", "b"], np.zeros((2, 3)))
    assert near_duplicates(prints, threshold=0.9) == {}


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), max_size=8), max_size=4
    )
)
def test_merged_groups_hold_together_what_any_of_them_does(groupings):
    def same(a, b):
        return any(a in g and b in g and g[a] == g[b] for g in groupings)

    everyone = sorted({id_ for grouping in groupings for id_ in grouping})
    assert as_sets(merge_groups(*groupings)) == groups_twin(everyone, same)


def test_merge_joins_chains_over_groupings():
    assert merge_groups({"a": 7, "b": 7}, {"b": 7, "c": 7, "z": 1}) == {"a": 0, "b": 0, "c": 0}
    assert merge_groups() == {}


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["", "x", "y", "z"])),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3)),
)
def test_inseparable_are_tracks_of_one_artist_and_copies_of_one_recording(artists, together):
    everyone = "abcdefgh"

    def same(a, b):
        by_artist = artists.get(a) and artists.get(a) == artists.get(b)
        return bool(by_artist) or (a in together and together[a] == together.get(b))

    owners = artist_groups(everyone, artists, together)
    assert list(owners) == list(everyone)
    assert {g for g in as_sets(owners) if len(g) > 1} == groups_twin(everyone, same)
    for group in groups_twin(everyone, same):
        assert {owners[i] for i in group} == {min(artists.get(i) or i for i in group)}


def test_whoever_shares_no_recording_owns_alone():
    artists = {"a": "X", "b": "X", "c": "Y", "d": ""}
    assert artist_groups("abcd", artists, {"a": 1, "b": 1}) == {
        "a": "X",
        "b": "X",
        "c": "Y",
        "d": "d",
    }
    assert artist_groups("abcd", artists, {"b": 1, "c": 1, "gone": 1})["c"] == "X"
