"""``audiorec next`` from the command line: files by the real decoder, and sessions as they come."""

from __future__ import annotations

import shutil

import pytest

from .helpers import ask


@pytest.mark.slow
def test_a_file_from_outside_is_decoded_and_answered_to(with_sessions, world):
    file = min(path for path in world.held_back.rglob("*") if path.is_file())
    answer = ask(with_sessions, file, "-k", 5)
    assert answer["session"] == [str(file)] and answer["model"] == "gru4rec"
    assert len(answer["results"]) == 5
    both = ask(with_sessions, "t000003", file, "-k", 5)
    assert "t000003" not in {hit["track_id"] for hit in both["results"]}


@pytest.mark.slow
def test_a_copy_of_a_track_is_asked_as_that_track(with_sessions, world, tmp_path):
    with (world.directory / "tracks.csv").open(encoding="utf-8") as table:
        path = next(line.split(",")[1] for line in table if line.startswith("t000005,"))
    copy = shutil.copy(world.directory / path, tmp_path / f"copy.{path.rpartition('.')[2]}")
    by_file, by_id = (ask(with_sessions, name)["results"] for name in (copy, "t000005"))
    assert by_file == by_id
