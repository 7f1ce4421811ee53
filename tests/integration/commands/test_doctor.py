"""The command ``doctor``."""

from __future__ import annotations

import json

from ..conftest import call


def test_nothing_is_wrong_with_a_workspace_that_has_just_been_made(finished):
    answer = call("-w", finished, "doctor")
    assert answer.code == 0 and "run 'audiorec" not in answer.out, answer.out


def test_files_that_failed_need_no_repair(workspace, world):
    answer = call("-w", workspace, "doctor")
    assert answer.code == 0, answer.out
    assert "2 files could not be read; see 'audiorec status --failures'" in answer.out
    assert "nothing needs repair" in answer.out
    found = json.loads(call("-w", workspace, "doctor", "--json").out)
    assert found["problems"] == []
    # So small a model may be no better than one vector for all, which is a note too.
    assert sum("could not be read" in note for note in found["notes"]) == 1
