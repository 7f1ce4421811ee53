"""A small demo world, and a workspace in which every stage has run on it."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from audiorec.cli import main
from audiorec.demo import make_world

RECIPE = """\
[factors]
factors = 8
[model]
channels = 16
hidden = 32
[train]
crop_seconds = 3.0
max_epochs = 4
patience = 4
device = "cpu"
[evaluate]
seeds = [0]
n_bootstrap = 50
"""


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Answer:
    """Run a command in this process, as the console script would."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        mock.patch.object(sys, "argv", ["audiorec", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    return Answer(int(code or 0), out.getvalue(), err.getvalue())


def spawn(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """Run a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "audiorec", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """48 tracks by 16 artists, 150 listeners."""
    directory = tmp_path_factory.mktemp("demo") / "world"
    return make_world(directory, n_tracks=48, n_artists=16, n_listeners=150, seed=3)


@pytest.fixture(scope="session")
def recipe(tmp_path_factory) -> Path:
    """Settings that train in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def scanned(world, tmp_path_factory) -> Path:
    """A workspace with the world's music and listening, no stage run yet."""
    path = tmp_path_factory.mktemp("scanned") / "workspace"
    answer = call("-w", path, "scan", "--manifest", world.tracks_csv)
    assert answer.code == 0, answer.err
    answer = call("-w", path, "plays", world.plays_csv)
    assert answer.code == 0, answer.err
    return path


@pytest.fixture(scope="session")
def finished(scanned, recipe, tmp_path_factory) -> Path:
    """A workspace in which every stage has run. Not to be changed: take `workspace`."""
    path = tmp_path_factory.mktemp("finished") / "workspace"
    shutil.copytree(scanned, path)
    answer = call("-w", path, "run", recipe)
    assert answer.code == 0, answer.err
    return path


@pytest.fixture
def workspace(finished, tmp_path) -> Path:
    """A copy of the finished workspace, to do with as one likes."""
    path = tmp_path / "workspace"
    shutil.copytree(finished, path)
    return path
