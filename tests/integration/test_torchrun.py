"""Training by two processes, from the command line."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from .conftest import call

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(*arguments):
    return subprocess.run(
        [*map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_two_processes_make_the_model_of_one(workspace, recipe, tmp_path):
    shutil.rmtree(workspace / "model")
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    train = ("-m", "audiorec", "-w")
    done = run(*TORCHRUN, *train, workspace, "train", "--recipe", recipe, "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)  # the first alone speaks
    assert report["worked"]
    alone = run(sys.executable, *train, other, "train", "--recipe", recipe)
    assert alone.returncode == 0, alone.stderr
    made = {p.name: p.read_bytes() for p in (workspace / "model").iterdir()}
    assert made == {p.name: p.read_bytes() for p in (other / "model").iterdir()}
    again = run(*TORCHRUN, *train, workspace, "train")
    assert again.stdout.count("up to date") == 1, again.stderr


def test_torchrun_is_for_training(workspace, monkeypatch):
    for name, value in {"RANK": 1, "WORLD_SIZE": 2, "LOCAL_RANK": 1, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    assert call("-w", workspace, "mel").code == 0
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    answer = call("-w", workspace, "mel")
    assert answer.code == 2
    assert "torchrun is for 'audiorec train'; run 'audiorec mel' without it" in answer.err
