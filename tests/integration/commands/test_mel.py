"""The command ``mel``."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

from audiorec.embeddings import Embeddings

from ..conftest import call, spawn
from ..helpers import harm, snapshot


@pytest.mark.slow
def test_one_shard_of_many_is_made_again_alone(scanned, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("audiorec.mel.compute.SHARD_TRACKS", 12)
    workspace = tmp_path / "workspace"
    shutil.copytree(scanned, workspace)
    assert call("-w", workspace, "mel", "--recipe", recipe).code == 0
    whole = snapshot(workspace)
    harm(next((workspace / "mels").glob("shard-00001.*")), "flipped", 0.7)
    harm(next((workspace / "mels").glob("meta-00002.*")), "cut", 0.5)
    answer = call("-w", workspace, "mel")
    assert "24 computed" in answer.out, answer
    assert snapshot(workspace) == whole


@pytest.mark.slow
def test_mel_and_embed_by_ray(workspace, tmp_path):
    pytest.importorskip("ray", reason="no Ray: pip install 'audiorec-music[ray]'")
    local = {p.name: p.read_bytes() for p in (workspace / "mels").iterdir()}
    embedded = Embeddings.load(workspace / "embeddings")
    for made in ("mels", "embeddings"):
        shutil.rmtree(workspace / made)
    for stage, engine in (("mel", "ray"), ("embed", "ray")):
        run = spawn("-w", workspace, stage, "--engine", engine, "--jobs", 2, "--json")
        out, err = run.communicate()
        assert run.returncode == 0, err
        (report,) = json.loads(out)  # and nothing else on stdout
        assert report["worked"]
        assert all(line.startswith(stage) for line in err.splitlines() if "could not" not in line)
    assert {p.name: p.read_bytes() for p in (workspace / "mels").iterdir()} == local
    found = Embeddings.load(workspace / "embeddings")
    assert found.ids == embedded.ids
    # Those of the workspace were computed with as many threads as there are cores.
    np.testing.assert_allclose(found.vectors, embedded.vectors, atol=1e-5)
    assert "up to date" in call("-w", workspace, "run", "--engine", "ray").out


def test_the_remedy_where_ray_is_not_installed(workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    answer = call("-w", workspace, "mel", "--engine", "ray")
    assert answer.code == 1 and answer.out == ""
    assert answer.err == (
        "audiorec: engine 'ray' needs Ray, which is not installed; run: "
        "pip install 'audiorec-music[ray]'\n"
    )
    assert call("-w", workspace, "mel", "--engine", "spark").code == 2
