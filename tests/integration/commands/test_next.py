"""The command ``next``."""

from __future__ import annotations

import json
import shutil

import pytest

from audiorec.cli.next import report_unknown
from audiorec.sessions import SessionAnswer

from ..conftest import call
from ..helpers import ask


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nothing", "t000001"], "'nothing'"),
        (["--skipped", "nothing"], "'nothing'"),
        (["/no/such/file.mp3"], "'/no/such/file.mp3'"),
        (["t000001", "--model", "rules", "--skipped", ""], "''"),
    ],
)
def test_names_that_fit_nothing_are_one_line(with_sessions, words, line):
    answer = call("-w", with_sessions, "next", *words)
    assert (answer.code, answer.out) == (1, "")
    assert line in answer.err and answer.err.count("\n") == 1


@pytest.mark.slow
def test_a_session_may_have_one_track_or_ten_thousand(with_sessions):
    assert len(ask(with_sessions, "t000001")["results"]) == 10
    many = call("-w", with_sessions, "next", *["t000001", "t000002"] * 5000, "--json")
    assert many.code == 0 and len(json.loads(many.out)["results"]) == 10
    assert many.err == "the 9500 earliest tracks of the session do not count\n"


def test_tracks_that_a_model_does_not_know_are_named(capsys):
    answer = SessionAnswer([], ("a",), "gru4rec", ("b", "c", "d", "e"), 0, 9, "")
    report_unknown(answer)
    report_unknown(answer._replace(unknown=("b",)))
    assert capsys.readouterr().err.splitlines() == [
        "4 tracks unknown to gru4rec passed over: b, c, d",
        "1 track unknown to gru4rec passed over: b",
    ]


def test_a_session_has_tracks(tmp_path):
    answer = call("-w", tmp_path, "next")
    assert answer.code == 2 and "Name the tracks of the session, oldest first" in answer.err


def test_without_sessions_one_line_says_what_to_do(tmp_path):
    workspace = tmp_path / "ws"
    (tmp_path / "plays.csv").write_text("user_id,track_id,plays\nme,a,1\nme,b,2\n")
    assert call("-w", workspace, "plays", tmp_path / "plays.csv").code == 0
    for command, why in (("sessions", "there are no sessions"), ("next", "no session models")):
        answer = call("-w", workspace, command, *(["a"] if command == "next" else []))
        assert answer.code == 1 and why in answer.err and answer.err.count("\n") == 1


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
