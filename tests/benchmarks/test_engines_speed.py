"""Spectrograms by Ray, beside the processes of this machine: `pytest -m benchmark -s`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from benching import ONE_THREAD, contest, process
from made_up import write_songs

from audiorec.workspace import Workspace

N_FILES = int(os.environ.get("BENCH_CLIPS", "1024"))
JOBS = 2
AUDIOREC = Path(sys.executable).with_name("audiorec")


@pytest.mark.benchmark
def test_what_ray_costs_on_one_machine(tmp_path):
    pytest.importorskip("ray", reason="no Ray: pip install 'audiorec-music[ray]'")
    write_songs(tmp_path / "music", 8, seconds=30.0, copies=N_FILES // 8)
    scanned = tmp_path / "scanned"
    process([AUDIOREC, "-w", scanned, "scan", tmp_path / "music"], env=ONE_THREAD)

    def by(engine):
        workspace = tmp_path / engine
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(scanned, workspace)
        # Without the spectrograms that the scan computed along with it: they are what is timed.
        shutil.rmtree(Workspace(workspace).scanned_mels, ignore_errors=True)
        command = [AUDIOREC, "-w", workspace, "mel", "--jobs", JOBS, "--engine", engine]
        done = process(command, env=ONE_THREAD)
        return {"seconds": done["seconds"]}

    contest(
        "engines",
        f"{N_FILES} MP3 clips of 30 s to stored mel, {JOBS} processes, their start included",
        {"audiorec mel --engine ray": lambda: by("ray"), "audiorec mel": lambda: by("local")},
        amount=N_FILES,
        unit="clips",
        rounds=3,
        packages=("ray",),
    )
    mels = [{p.name for p in (tmp_path / engine / "mels").iterdir()} for engine in ("ray", "local")]
    assert mels[0] == mels[1]  # whose names are digests of their content
