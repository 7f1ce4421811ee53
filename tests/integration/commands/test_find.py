"""The command ``find``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.data.catalog import Catalog, Track
from audiorec.workspace import Workspace

TRACKS = [
    Track("a", "/m/UB40/Labour of Love/10-Red_Red_Wine.mp3", "UB40", "Red Red Wine",
          guessed=("artist", "title")),
    Track("b", "/m/b.mp3", "Björk", "Jóga", "Homogenic", 1997),
    Track("c", "/m/homogenic/c.mp3", "Other", "Song"),
    Track("d", "/m/d.mp3", "Red Wine Band", "Tune", missing=True),
]  # fmt: skip


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "w")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(TRACKS)
    return workspace.root


def find(workspace, *words):
    answer = CliRunner().invoke(cli, ["-w", str(workspace), "find", *words, "--json"])
    return answer.exit_code, json.loads(answer.stdout)


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["red red wine"], ["a", "d"]),
        (["WINE", "ub40"], ["a"]),
        (["joga"], ["b"]),
        (["björk", "homogenic"], ["b"]),
        (["homogenic"], ["b", "c"]),
        (["omogen"], ["b", "c"]),
        (["labour_of_love"], ["a"]),
    ],
)
def test_all_words_in_any_order(workspace, words, ids):
    code, answer = find(workspace, *words)
    assert code == 0 and [row["track_id"] for row in answer["results"]] == ids


def test_what_is_guessed_is_told_apart(workspace):
    (row, gone) = find(workspace, "red wine")[1]["results"]
    assert row["guessed"] == ["artist", "title"] and gone["missing"]
    shown = CliRunner().invoke(cli, ["-w", str(workspace), "find", "wine", "-k", "1"])
    assert "a  (UB40 - Red Red Wine)  /m/UB40" in shown.stdout
    assert "1 more fit" in shown.stderr


def test_nothing_fits(workspace):
    answer = CliRunner().invoke(cli, ["-w", str(workspace), "find", "nothing", "red"])
    assert answer.exit_code == 1 and "no track fits 'nothing red'" in answer.stderr


def test_a_query_of_any_length_is_answered_by_a_short_line(workspace):
    answer = CliRunner().invoke(cli, ["-w", str(workspace), "find", "x" * 100_000])
    assert answer.exit_code == 1 and len(answer.stderr) < 1100
    assert answer.stderr.startswith("no track fits 'xxx") and "name fewer words" in answer.stderr
