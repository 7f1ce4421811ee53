from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.data.catalog import (
    Autotags,
    Catalog,
    FileRow,
    Tag,
    Track,
    given_tags,
    merge_tags,
    shared_tags,
)
from audiorec.exceptions import NotFoundError

from ....loaded_modules import modules_loaded_by

TRACKS = [
    Track("a", "/a", "A", "a", genre="Rock; Folk", clip_hash="1"),
    Track("b", "/b", "B", "b", clip_hash="2"),
    Track("c", "/c", "C", "c", genre="rock", clip_hash="3"),
    Track("d", "/d", "D", "d", clip_hash="4", missing=True),
]


def autotags(track_id, clip_hash, **tags):
    return Autotags(track_id, clip_hash, np.arange(3, dtype=np.float32), tags)


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.upsert(TRACKS)
        predicted = [
            autotags("a", "1", rock=0.4, guitar=0.3, sad=0.01),
            autotags("b", "2", rock=0.7, piano=0.08),
        ]
        catalog.tags.keep(predicted, source="net")
        yield catalog


def test_stored_and_given_tags_come_back_most_confident_first(catalog):
    found = catalog.tags.of(["b", "a", "c"])
    assert found["a"] == [
        Tag("Folk", 1.0, "given"),
        Tag("Rock", 1.0, "given"),
        Tag("rock", 0.4, "net"),
        Tag("guitar", 0.3, "net"),  # "sad" is below what is stored
    ]
    assert found["b"] == [Tag("rock", 0.7, "net"), Tag("piano", 0.08, "net")]
    assert found["c"] == [Tag("rock", 1.0, "given")]


def test_having_a_tag_is_a_matter_of_confidence_and_not_of_case(catalog):
    assert catalog.tags.having("ROCK", min_confidence=0.5) == {"a", "b", "c"}
    assert catalog.tags.having("guitar") == {"a"}
    assert catalog.tags.having("guitar", min_confidence=0.31) == set()
    assert catalog.tags.having("piano") == set()
    assert catalog.tags.having("piano", min_confidence=0.05) == {"b"}


def test_an_unknown_tag_is_told_with_the_nearest(catalog, tmp_path):
    with pytest.raises(NotFoundError, match=r"no track has the tag 'gitar'; did you mean 'guitar'"):
        catalog.tags.having("gitar")
    with pytest.raises(NotFoundError, match="'zzz'; 'audiorec tags --list' shows those there are$"):
        catalog.tags.having("zzz")
    with (
        Catalog(tmp_path / "empty.sqlite") as empty,
        pytest.raises(NotFoundError, match="run 'audiorec tags --all' first"),
    ):
        empty.tags.having("rock")


def test_counts_join_spellings_and_leave_missing_tracks_out(catalog):
    catalog.tags.put({"d": {"rock": 0.9}}, source="net")
    assert [tuple(count) for count in catalog.tags.counts()] == [
        ("Rock", 3), ("Folk", 1), ("guitar", 1)
    ]  # fmt: skip


def test_what_is_untagged(catalog):
    assert catalog.tags.untagged("net") == ["c"]
    assert catalog.tags.untagged("other") == ["a", "b", "c"]
    assert catalog.tags.n_untagged() == 1
    (first, second) = catalog.tags.features("net")
    assert first[:2] == ("a", "1") and second[:2] == ("b", "2")
    assert first[2].tolist() == [0, 1, 2]


def test_hearing_again_replaces_one_source_only(catalog):
    catalog.tags.put({"a": {"Jazz": 0.6}}, source="probe")
    catalog.tags.keep([autotags("a", "1", piano=0.5)], source="net")
    stored = [tag for tag in catalog.tags.of(["a"])["a"] if tag.source != "given"]
    assert stored == [Tag("Jazz", 0.6, "probe"), Tag("piano", 0.5, "net")]
    catalog.tags.replace({"b": {"Folk": 0.3}}, source="probe")
    assert catalog.tags.tagged("probe") == {"b"}


def test_another_sound_drops_the_words_and_another_name_keeps_them(catalog):
    renamed = replace(TRACKS[0], title="other", path="/elsewhere")
    catalog.replace(["a"], [FileRow(renamed)])  # as a scan does with a file that moved
    assert len(catalog.tags.of(["a"])["a"]) == 4
    catalog.tags.put({"a": {"Jazz": 0.6}}, source="probe")
    catalog.upsert(replace(renamed, clip_hash="9"))
    assert {tag.source for tag in catalog.tags.of(["a"])["a"]} == {"given"}
    assert "a" in catalog.tags.untagged("net")
    catalog.replace(["b"], [])
    assert catalog.tags.tagged("net") == set()


def test_a_failed_transaction_stores_nothing(catalog):
    with pytest.raises(ZeroDivisionError), catalog.transaction():
        catalog.tags.put({"c": {"sad": 0.5}}, source="net")
        _ = 1 / 0
    assert catalog.tags.tagged("net") == {"a", "b"}


def test_more_tracks_than_one_question_names(catalog):
    many = [Track(f"x{i}", f"/x/{i}", genre="House") for i in range(1201)]
    catalog.upsert(many)
    found = catalog.tags.of([track.track_id for track in many])
    assert len(found) == 1201 and all(tags[0].tag == "House" for tags in found.values())


@pytest.mark.parametrize(
    ("genre", "tags"),
    [
        ("", []),
        ("Rock", ["Rock"]),
        ("Folk; Rock;Folk", ["Folk", "Rock"]),
        ("R&B/Soul", ["R&B", "Soul"]),
        ("Folk, World, & Country", ["Folk", "World", "Country"]),
        (" ; / ", []),
    ],
)
def test_a_genre_field_may_hold_several(genre, tags):
    assert given_tags(genre) == tags


@settings(deadline=None)
@given(st.text())
def test_given_tags_are_clean_and_differ(genre):
    tags = given_tags(genre)
    assert len(set(tags)) == len(tags) and all(tag.strip(" \t\r\n&") == tag for tag in tags)


def test_a_word_of_several_sources_is_said_once_by_the_surest():
    tags = [Tag("rock", 0.4, "net"), Tag("Rock", 0.9, "probe"), Tag("sad", 0.09, "net")]
    assert merge_tags(tags) == [Tag("Rock", 0.9, "probe")]


def test_shared_words_that_few_tracks_have_come_first():
    one = [Tag("rock", 0.9, "net"), Tag("harp", 0.4, "net"), Tag("piano", 0.5, "net")]
    other = [Tag("Rock", 0.9, "given"), Tag("harp", 0.4, "net"), Tag("piano", 0.05, "net")]
    counts = {"rock": 95, "harp": 2, "piano": 9}
    assert shared_tags([one, other], counts=counts, n_tracks=100) == ["harp", "rock"]
    assert shared_tags([one, other, []], counts=counts, n_tracks=100) == []
    assert shared_tags([], counts=counts, n_tracks=100) == []


def test_reading_words_imports_nothing_heavy():
    loaded = modules_loaded_by("import audiorec.data.catalog.tags, audiorec.tagging")
    assert not loaded & {"torch", "librosa", "polars", "sklearn", "soundfile"}
