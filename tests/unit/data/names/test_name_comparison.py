"""When two names are likely one's: how much they may differ, and how."""

from __future__ import annotations

import pytest

from audiorec.data.names.name_comparison import misspelt, same_artist, similar_artist


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("!!!", "!!!", True),
        ("!!!", "Björk", False),
        ("", "Björk", False),
        ("J. S. Bach", "Johann Sebastian Bach", True),
        ("Hall & Oates", "Daryl Hall & John Oates", True),
        ("NIN", "Nine Inch Nails", True),
        ("Bill Evans", "Gil Evans", False),
    ],
)
def test_artists_that_are_one(a, b, same):
    assert same_artist(a, b) is same_artist(b, a) is same


@pytest.mark.parametrize(
    ("a", "b", "similar"),
    [
        ("Blink 182", "Blink 183", False),  # a number is never misspelt
        ("Blink 182", "Blink", False),
        ("Trio Bill Evans", "Bill Evans Trio", True),
        ("Radiohed", "Radiohead", True),
        ("Metric", "Matric", False),
    ],
)
@pytest.mark.parametrize("sure", [False, True])
def test_artists_that_are_likely_one(a, b, similar, sure):
    assert similar_artist(a, b, sure=sure) is similar_artist(b, a, sure=sure) is similar


@pytest.mark.parametrize(
    ("a", "b", "likely", "sure"),
    [
        ("the dark side", "dark side", True, True),
        ("daylight", "day light", True, True),
        ("heaven", "heavin", False, True),  # another letter in a short word
        ("forever", "forevor", True, True),
        ("road", "roads", False, True),
        ("night", "light", False, False),
        ("song 2", "song 3", False, False),
    ],
)
def test_slips_and_other_words(a, b, likely, sure):
    assert misspelt(a, b, sure=False) is misspelt(b, a, sure=False) is likely
    assert misspelt(a, b, sure=True) is misspelt(b, a, sure=True) is sure
