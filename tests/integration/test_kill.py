"""Killed at any moment, a run is gone on with and ends in the same bytes."""

import os
import random
import shutil
import signal
import time

import pytest

from .conftest import spawn
from .test_bad_input import snapshot

KILLS = int(os.environ.get("AUDIOREC_KILLS", "4"))


def run_until(workspace, recipe, *, seconds=None):
    """Run every stage; kill the process and its workers after `seconds`. Whether it finished."""
    process = spawn("-w", workspace, "run", recipe)
    try:
        out, err = process.communicate(timeout=seconds)
    except Exception:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    assert process.returncode == 0, (out, err)
    return True


@pytest.mark.slow
def test_killed_at_random_moments_the_artifacts_are_those_of_an_undisturbed_run(
    scanned, recipe, tmp_path
):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    shutil.copytree(scanned, undisturbed)
    shutil.copytree(scanned, killed)
    start = time.monotonic()
    assert run_until(undisturbed, recipe)
    whole = time.monotonic() - start
    draw = random.Random(0)
    finished = [
        run_until(killed, recipe, seconds=draw.uniform(0.3, 1.0) * whole) for _ in range(KILLS)
    ]
    assert not finished[0] or KILLS > 4  # a kill that came too late would prove nothing
    assert run_until(killed, recipe)
    assert snapshot(killed) == snapshot(undisturbed)
