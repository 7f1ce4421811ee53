"""Progress where standard error is no terminal; what is printed whatever it is printed to."""

from __future__ import annotations

import io
import json

import pytest

from audiorec.cli.output import (
    ProgressLine,
    echo_json,
    echo_line,
    json_text,
    never_die_of_an_encoding,
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
    never_die_of_an_encoding(stream, io.StringIO(), None)
    echo_line("é, Ночь\nlat\udce9.wav")
    assert raw.getvalue() == b"\xe9, " + rb"\u041d\u043e\u0447\u044c\nlat\xe9.wav" + b"\n"


def test_json_escapes_what_a_terminal_would_obey():
    odd = "a\x85\x9b31m\u202eb\u2028c\u2066\u200f\ufeffé\u200dü"
    text = json_text({"title": odd})
    assert json.loads(text) == {"title": odd}
    assert all(c.isprintable() or c == "\u200d" for c in text) and "é" in text
