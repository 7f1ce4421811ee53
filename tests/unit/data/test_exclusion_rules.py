import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.data import (
    Exclusion,
    check_exclusion,
    excluded_tracks,
    load_exclusions,
    remove_exclusion,
    save_exclusions,
)
from audiorec.data.catalog import Catalog, Track
from audiorec.data.exclusion_rules import parse_seconds
from audiorec.exceptions import NotFoundError, ParameterError, WorkspaceError

TRACKS = [
    Track("a", "/music/One/live.mp3", "Björk", "Alive", "Debut", genre="Pop", duration=200),
    Track("b", "/music/One/b.mp3", "björk ", "Jóga (Live)", "Xmas", genre="Pop; Christmas"),
    Track("c", "/music/Two/c.mp3", "Various Artists", "Skit", "debut", duration=30),
    Track("d", "/music/Two/d.mp3", "D", "D", genre="Postchristmas", duration=1200),
]


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.upsert(TRACKS)
        yield catalog


@pytest.mark.parametrize(
    ("kind", "value", "ids"),
    [
        ("genre", "christmas", "b"),
        ("genre", "POP", "ab"),
        ("title-word", "live", "b"),
        ("shorter", "1:00", "c"),
        ("longer", "0:15:00", "d"),
        ("longer", "200", "d"),
        ("path", "Two", "cd"),
        ("path", "/music/*/b.mp3", "b"),
        ("path", "*.mp3", "abcd"),
        ("artist", "BJÖRK", "ab"),
        ("artist", "Bjo\u0308rk", "ab"),
        ("album", "Debut", "ac"),
    ],
)
def test_each_kind_hides_what_it_says(catalog, kind, value, ids):
    assert excluded_tracks(catalog, [check_exclusion(Exclusion(kind, value))]) == set(ids)


def test_a_track_is_hidden_by_any_rule(catalog):
    rules = [Exclusion("genre", "christmas"), Exclusion("shorter", "60")]
    assert excluded_tracks(catalog, rules) == {"b", "c"}
    assert excluded_tracks(catalog, []) == frozenset()


@pytest.mark.parametrize("text", ["", "0", "-5", "1:2:3:4", "ten", "1e3", "nan", "٣"])
def test_no_length(text):
    with pytest.raises(ParameterError, match="is not a length"):
        parse_seconds(text)


@given(st.integers(1, 359999))
def test_lengths_are_read_as_clocks_show_them(seconds):
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    assert parse_seconds(clock) == parse_seconds(str(seconds)) == seconds


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (("genre", "  "), "is empty"),
        (("artist", "Various Artists"), "names no artist"),
        (("mood", "sad"), "kind='mood' must be one of genre"),
    ],
)
def test_a_rule_that_could_fit_nothing_is_refused(rule, message):
    with pytest.raises(ParameterError, match=message):
        check_exclusion(Exclusion(*rule))


@given(st.lists(st.tuples(st.sampled_from(["genre", "title-word", "album"]), st.text())))
def test_rules_are_read_back(tmp_path_factory, rules):
    file = tmp_path_factory.mktemp("x") / "exclusions.json"
    kept = []
    for rule in rules:
        try:
            kept.append(check_exclusion(Exclusion(*rule)))
        except ParameterError:
            continue
    kept = [rule for rule in kept if rule.value.isprintable()]
    save_exclusions(file, [*kept, *kept])
    assert load_exclusions(file) == list(dict.fromkeys(kept))


@pytest.mark.parametrize("content", ["{", "7", "[7]", '[["mood", "x"]]', '[["genre"]]', "[" * 9000])
def test_a_damaged_file_is_named(tmp_path, content):
    file = tmp_path / "exclusions.json"
    file.write_text(content)
    with pytest.raises(WorkspaceError, match=r"exclusions.json cannot be read .*remove it"):
        load_exclusions(file)


def test_rules_are_removed_by_number_or_words():
    rules = [Exclusion("genre", "polka"), Exclusion("longer", "9:00")]
    assert remove_exclusion(rules, "2") == rules[:1]
    assert remove_exclusion(rules, "genre polka") == rules[1:]
    with pytest.raises(NotFoundError, match="no exclusion '3'"):
        remove_exclusion(rules, "3")


def test_the_file_is_plain_json(tmp_path):
    save_exclusions(tmp_path / "e.json", [Exclusion("genre", "Ünder")])
    assert json.loads((tmp_path / "e.json").read_bytes()) == [["genre", "Ünder"]]


def test_a_file_that_is_too_large_is_named(tmp_path, monkeypatch):
    file = tmp_path / "exclusions.json"
    monkeypatch.setattr("audiorec.data.exclusion_rules.MOST_BYTES", 20)
    file.write_text('[["genre", "x"]]')
    assert len(load_exclusions(file)) == 1
    file.write_text('[["genre", "xxxxxxxxxxxx"]]')
    with pytest.raises(WorkspaceError, match=r"cannot be read \(more than 20 bytes\); mend it, or"):
        load_exclusions(file)
