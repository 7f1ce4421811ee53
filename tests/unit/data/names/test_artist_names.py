"""Which names are one artist's, and which are nobody's."""

from __future__ import annotations

import unicodedata

import pytest

from audiorec.data.names import artist_key


def key(artist: str) -> str:
    return artist_key(artist, track_id="t")


@pytest.mark.parametrize(
    "name",
    [
        "Flood", " flood ", "FLOOD feat. Guest 1", "Flood ft. Guest & Other", "Flood Ft Guest",
        "Flood featuring Guest", "Flood (feat. Guest)", "Flood [ft. Guest]", "Flood (with Guest)",
        "Flood with the Guest Orchestra", "Flood w/ Guest", "Flood; Guest",
    ],
)  # fmt: skip
def test_guests_make_no_other_artist(name):
    assert key(name) == "flood"


@pytest.mark.parametrize(
    "name",
    ["Simon & Garfunkel", "Crosby, Stills & Nash", "Sleeping with Sirens", "Earth, Wind & Fire",
     "AC/DC", "Daft Punk", "Feathers", "Lift to Experience", "The Featherlights", "ft"],
)  # fmt: skip
def test_names_that_only_look_like_lists_stay_whole(name):
    assert key(name) == name.casefold()


def test_compositions_are_equal():
    assert key(unicodedata.normalize("NFD", "Björk")) == key("BJÖRK") == "björk"


@pytest.mark.parametrize(
    "name",
    ["", " ", "[unknown]", "<unknown>", "Unknown Artist", "Various Artists", "VA", "V.A.", "AA.VV.",
     "Diverse", "Verschiedene Interpreten", "Artiste inconnu", "Varios Artistas", "Artisti Vari",
     "Vários Artistas", "Разные исполнители", "群星", "Various Artists feat. Somebody"],
)  # fmt: skip
def test_nobody_stands_alone(name):
    assert key(name) == "\0t"
