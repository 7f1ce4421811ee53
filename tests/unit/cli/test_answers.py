"""A line per track, whatever its title holds."""

from __future__ import annotations

from audiorec.cli.answers import echo_hits
from audiorec.recommend import Hit


def test_a_title_with_a_line_break_is_one_row(capsys):
    hits = [
        Hit(1, "t1", 0.9, "Ночь", "one\r\ntwo\u2028three \x1b[2J", "/m/1.mp3"),
        Hit(2, "t2", 0.8, "", "", "/m/a\nb.mp3"),
        Hit(3, "t3", 0.7, "東京\u3000事変", "", "/m/3.mp3"),
    ]
    echo_hits(hits, as_json=False, request={}, space="blend")
    rows = capsys.readouterr().out.split("\n")
    assert rows == [
        r"  1  0.900  t1  Ночь - one\r\ntwo\u2028three \x1b[2J",
        r"  2  0.800  t2  /m/a\nb.mp3",
        "  3  0.700  t3  東京\u3000事変",
        "",
    ]
