"""The group of commands: completion, errors of no known kind, interruption, threads."""

from __future__ import annotations

import os
import sys
from typing import get_args

import numpy as np
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from audiorec.cli import cli, lazy_group, main
from audiorec.cli import next as next_tracks
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError
from audiorec.pipeline import STAGES
from audiorec.sessions import ModelChoice
from audiorec.sessions.store import MODELS
from audiorec.workspace import Workspace


def test_names_that_are_listed_twice_agree():
    """Help texts list names without loading what they stand for."""
    assert lazy_group.STAGE_COMMANDS == STAGES
    assert next_tracks.MODELS == get_args(ModelChoice) == ("auto", *MODELS)


def test_a_shell_completes_commands_and_their_options():
    completion = ShellComplete(cli, {}, "audiorec", "_AUDIOREC_COMPLETE")
    found = [each.value for each in completion.get_completions([], "pla")]
    assert found == ["plays", "playlist", "playlists"]
    assert "--per-artist" in [
        each.value for each in completion.get_completions(["similar", "t"], "--per")
    ]


@pytest.mark.parametrize("damaged", [False, True])
def test_an_error_of_no_known_kind_is_told_by_what_is_damaged(tmp_path, monkeypatch, damaged):
    """As where a bit of what was opened by its size alone has flipped."""
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(Track("a", "/m/a.mp3"))
    Embeddings(["a", "b"], np.eye(2, dtype=np.float32)).save(workspace.embeddings)
    if damaged:
        for file in workspace.embeddings.glob("*.npy"):
            file.write_bytes(file.read_bytes()[:-1] + b"x")

    def fails(*_: object):
        raise IndexError("out of bounds")

    monkeypatch.setattr("audiorec.pipeline.status.catalog_state", fails)
    done = CliRunner().invoke(cli, ["-w", str(workspace.root), "status"])
    assert type(done.exception) is (ArtifactError if damaged else IndexError)
    assert ("embeddings" if damaged else "out of bounds") in str(done.exception)


def test_an_interrupted_command_says_that_it_can_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_: object, **__: object):
        raise KeyboardInterrupt

    monkeypatch.setattr("audiorec.scan.scan", interrupted)
    monkeypatch.setattr(sys, "argv", ["audiorec", "-w", str(tmp_path / "w"), "scan", str(tmp_path)])
    with pytest.raises(SystemExit, match="130"):
        main()
    assert "interrupted; finished work is kept" in capsys.readouterr().err


@pytest.mark.parametrize("given, used", [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_do_not_spin_unless_asked_to(monkeypatch, given, used):
    monkeypatch.setenv("OMP_WAIT_POLICY", given or "")
    if given is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setattr(sys, "argv", ["audiorec", "--version"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert os.environ["OMP_WAIT_POLICY"] == used
