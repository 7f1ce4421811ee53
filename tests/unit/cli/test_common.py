"""Progress where standard error is no terminal."""

from __future__ import annotations

from audiorec.cli.common import ProgressLine


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
