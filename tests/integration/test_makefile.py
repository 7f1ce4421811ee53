"""What `make` is told reaches the program as it was given."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
STUB = """\
#!{python}
import json, pathlib, sys
with open({log!r}, "a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
"""

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None, reason="make is not installed: apt-get install make"
)


@pytest.fixture
def run(tmp_path):
    """Call make with a program in place of audiorec that keeps what it was called with."""
    log = tmp_path / "calls.jsonl"
    (tmp_path / "setup.cfg").touch()
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "audiorec").write_text(STUB.format(python=sys.executable, log=str(log)))
    (folder / "audiorec").chmod(0o755)
    (tmp_path / "venv" / ".installed").touch()

    # What a make around this one was told is none of its business.
    told = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "WORKSPACE", "DEMO", "RECIPE", "TRACK")
    own = {key: value for key, value in os.environ.items() if key not in told}

    def made(*arguments: str, **environment: str) -> list[list[str]]:
        log.unlink(missing_ok=True)
        done = subprocess.run(
            ["make", "-f", str(MAKEFILE), "VENV=venv", *arguments],
            cwd=tmp_path,
            env={**own, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in log.read_text().splitlines()]

    return made


@pytest.mark.parametrize(
    "track",
    ["A$AP - `touch harm`", 'Rock "n" Roll', "it's $(touch harm) $$ \\ # *", "-- Title", "a;b|c&d"],
)
def test_a_track_is_what_was_given(run, tmp_path, track):
    here = ["--workspace", "my ws"]
    similar = [[*here, "similar", "--", track]]
    assert run("similar", f"TRACK={track}", "WORKSPACE=my ws") == similar
    assert run("similar", "WORKSPACE=my ws", TRACK=track) == similar
    listed = run("playlists", f"TRACK={track}", "WORKSPACE=my ws")
    assert listed == [[*here, "playlist", "--length", "25", "--", track]]
    assert not (tmp_path / "harm").exists()


def test_folders_and_recipes_may_hold_spaces(run, tmp_path):
    world = tmp_path / "the world"
    (world / "held_back" / "an artist").mkdir(parents=True)
    for name in ("new1_a song.mp3", "new2_b.mp3"):
        (world / "held_back" / "an artist" / name).touch()
    (world / "plays.csv").write_text("user_id,track_id,plays\nann,t,1\n")
    calls = run("demo", "DEMO=the world", "WORKSPACE=my ws", "RECIPE=my recipe.toml")
    first, second = (
        f"the world/held_back/an artist/{n}" for n in ("new1_a song.mp3", "new2_b.mp3")
    )
    assert all(call[:2] == ["--workspace", "my ws"] for call in calls)
    assert [call[2:] for call in calls] == [
        ["demo", "the world"],
        ["scan", "--recipe", "my recipe.toml", "--manifest", "the world/tracks.csv"],
        ["plays", "the world/plays.csv"],
        ["run", "my recipe.toml"],
        ["add", "the world/held_back"],
        ["similar", "-k", "8", "--", first],
        ["similar", "-k", "8", "--", second],
        ["recommend", "ann", "-k", "8"],
        ["playlist", "--length", "12", "-o", "my ws/playlists/demo.m3u8", "--", first],
        ["evaluate", "--seed", "0"],
        ["status"],
    ]
    assert run("train", "RECIPE=my recipe.toml") == [
        ["--workspace", "workspace", "run", "my recipe.toml"]
    ]


def test_no_track_is_said(tmp_path):
    (tmp_path / "setup.cfg").touch()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / ".installed").touch()
    command = ["make", "-f", str(MAKEFILE), "VENV=venv", "similar"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "name a track or a file" in done.stdout
