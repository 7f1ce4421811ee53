"""Groupings of tracks against a readable twin."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audiorec.data import artist_groups, merge_groups

from ..grouping import as_sets, groups_twin


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
def test_inseparable_are_tracks_of_one_artist_and_copies_of_one_recording(artists, duplicates):
    everyone = "abcdefgh"

    def same(a, b):
        by_artist = artists.get(a) and artists.get(a) == artists.get(b)
        return bool(by_artist) or (a in duplicates and duplicates[a] == duplicates.get(b))

    groups = artist_groups(everyone, artists, duplicates)
    assert list(groups) == list(everyone)
    assert {g for g in as_sets(groups) if len(g) > 1} == groups_twin(everyone, same)
    for group in groups_twin(everyone, same):
        assert {groups[i] for i in group} == {min(artists.get(i) or i for i in group)}


def test_whoever_shares_no_recording_owns_alone():
    artists = {"a": "X", "b": "X", "c": "Y", "d": ""}
    assert artist_groups("abcd", artists, {"a": 1, "b": 1}) == {
        "a": "X",
        "b": "X",
        "c": "Y",
        "d": "d",
    }
    assert artist_groups("abcd", artists, {"b": 1, "c": 1, "gone": 1})["c"] == "X"
