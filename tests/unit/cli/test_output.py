"""Progress where standard error is no terminal; what is printed whatever it is printed to."""

from __future__ import annotations

import io
import json
import sys

import pytest

from audiorec.cli.output import (
    ProgressLine,
    echo_json,
    echo_line,
    escape_unencodable_output,
    json_text,
    progress_text,
)


def test_the_last_line_of_a_stage_comes_once(capsys):
    with_total = ProgressLine()
    for stage in ("scan", "mel"):
        for done in (0, 1, 2, 2):
            with_total(stage, done, 2)
    with_total("scan", 2, 2)
    with_total.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["scan", "mel", "scan"]
    assert all("2/2  100 %" in line for line in lines)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_whole_whatever_stdout_takes(monkeypatch, encoding):
    values = ({"title": "Ночь"}, {"query": ["lat\udce9.wav"], "title": "Ночь"})
    for value in values:
        raw = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
        echo_json(value)
        assert json.loads(raw.getvalue().decode("utf-8")) == value
        escaped = "Ночь".encode() not in raw.getvalue()
        assert escaped == (encoding != "utf-8" or "query" in value)


def test_text_is_written_out_where_it_cannot_be_encoded(monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1", errors="strict")
    monkeypatch.setattr("sys.stdout", stream)
    escape_unencodable_output(stream, io.StringIO(), None)
    echo_line("é, Ночь\nlat\udce9.wav")
    assert raw.getvalue() == b"\xe9, " + rb"\u041d\u043e\u0447\u044c\nlat\xe9.wav" + b"\n"


def test_json_escapes_what_a_terminal_would_obey():
    odd = "a\x85\x9b31m\u202eb\u2028c\u2066\u200f\ufeffé\u200dü"
    text = json_text({"title": odd})
    assert json.loads(text) == {"title": odd}
    assert all(c.isprintable() or c == "\u200d" for c in text) and "é" in text


def test_on_a_terminal_one_line_is_redrawn_and_ended(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine()
    for done in (0, 2):
        line("scan", done, 2)
    line("mel", 1, 1, "a note")
    line.close()
    line.close()  # once
    first, second, rest = capsys.readouterr().err.split("\n")
    assert [part.split()[:2] for part in first.split("\r\x1b[K")[1:]] == [
        ["scan", "0/2"],
        ["scan", "2/2"],
    ]
    assert second.startswith("\r\x1b[Kmel  1/1  100 %") and second.endswith("a note")
    assert rest == ""


@pytest.mark.parametrize(
    ("seconds", "left"), [(9, "81 s left"), (90, "13:30 min left"), (3700, "9:15 h left")]
)
def test_the_time_that_is_left(seconds, left):
    assert progress_text("train", 1, 10, "", seconds).endswith(left)
