"""The command ``sessions``."""

from __future__ import annotations

import pytest

from ..conftest import call
from ..helpers import HEAD, ask


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            [f"{who},{what}" for who in ("me", "you") for what in ("a,1,900", "b,1,600", "c,1,300")]
            * 3,
            "of 3 tracks",
        ),
        (["me,a,1,900", "you,a,1,900", "me,b,1,900", "you,b,1,900"], "plays at equal times kept"),
    ],
)
def test_times_that_go_back_or_stand_still_are_a_session(tmp_path, rows, says):
    (tmp_path / "plays.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    workspace = tmp_path / "ws"
    assert call("-w", workspace, "plays", tmp_path / "plays.csv").code == 0
    answer = call("-w", workspace, "sessions")
    assert answer.code == 0 and says in answer.out, answer
    assert ask(workspace, "b")["results"]
