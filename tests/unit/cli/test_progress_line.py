"""Progress, on a terminal and where standard error is none."""

from __future__ import annotations

import sys

import pytest

from audiorec.cli.progress_line import ProgressLine, progress_text


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
