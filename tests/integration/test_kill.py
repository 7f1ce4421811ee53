"""Killed at any moment, a run is gone on with and ends in the same bytes."""

import os
import random
import shutil
import signal
import time

import pytest

from .conftest import spawn
from .helpers import snapshot

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
    start = time.monotonic()
    assert run_until(undisturbed, recipe)
    whole = time.monotonic() - start
    expected = snapshot(undisturbed)
    draw = random.Random(0)
    shutil.copytree(scanned, killed)
    kills = rounds = 0
    while kills < KILLS:
        start = time.monotonic()
        if run_until(killed, recipe, seconds=draw.uniform(0.15, 0.9) * whole):
            whole = min(whole, time.monotonic() - start)  # the machine may be less busy by now
            assert snapshot(killed) == expected
            shutil.rmtree(killed)  # and over again, so that every kill strikes a run at work
            shutil.copytree(scanned, killed)
            rounds += 1
            assert rounds <= KILLS, "the runs end before they are killed"
        else:
            kills += 1
    assert run_until(killed, recipe)
    assert snapshot(killed) == expected
