"""Names and messages in one printable line."""

from __future__ import annotations

from audiorec.printable_text import one_line


def test_one_line():
    assert one_line("a\nb\t\x1b[31m") == "a\\nb\\t\\x1b[31m"
    assert one_line("Bj\udcffrk ö") == "Bj\\xffrk ö"
    assert one_line("東京\u3000事変\u200d\xa0") == "東京\u3000事変\u200d\xa0"
    assert one_line("a\x85b\u2028c\u202ed") == "a\\x85b\\u2028c\\u202ed"
