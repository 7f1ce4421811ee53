"""Training by two processes, from the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import call

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

# One that meets another, imports what learning does, parts, and shows the threads it has left.
MEMBER = """
from pathlib import Path

from audiorec import distributed

distributed.process_group().broadcast("x")
import lightning.fabric

distributed._disconnect()
print(*(task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()))
"""


def run(*arguments):
    return subprocess.run(
        [*map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_two_processes_train_one_model_the_same_each_time(workspace, recipe, tmp_path):
    shutil.rmtree(workspace / "model")
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    train = ("-m", "audiorec", "-w")
    for place in (workspace, other):
        done = run(*TORCHRUN, *train, place, "train", "--recipe", recipe, "--json")
        assert done.returncode == 0, done.stderr
        (report,) = json.loads(done.stdout)  # the first alone speaks
        assert report["worked"]
    made = {p.name: p.read_bytes() for p in (workspace / "model").iterdir()}
    assert made == {p.name: p.read_bytes() for p in (other / "model").iterdir()}
    again = run(*TORCHRUN, *train, workspace, "train")
    assert again.stdout.count("up to date") == 1, again.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="only Linux lists threads in /proc"
)
def test_no_thread_of_the_team_outlives_it(tmp_path):
    member = tmp_path / "member.py"
    member.write_text(MEMBER)
    done = run(*TORCHRUN, member)
    assert done.returncode == 0, done.stderr
    assert "python" in done.stdout and "gloo" not in done.stdout


def test_torchrun_is_for_training(workspace, monkeypatch):
    for name, value in {"RANK": 1, "WORLD_SIZE": 2, "LOCAL_RANK": 1, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    assert call("-w", workspace, "mel").code == 0
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    answer = call("-w", workspace, "mel")
    assert answer.code == 2
    assert "torchrun is for 'audiorec train'; run 'audiorec mel' without it" in answer.err
