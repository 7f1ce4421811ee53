"""What is printed is whole, whatever it is printed to."""

from __future__ import annotations

import io
import json

import pytest

from audiorec.cli.output import (
    echo_json,
    echo_line,
    escape_unencodable_output,
    json_text,
)


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
