"""Every stage, whatever befalls it, loses nothing and ends as one that was left in peace.

Killed at random moments; on a full disk; where nothing can be written; while the clock goes back.
The long form: AUDIOREC_KILLS=200 pytest -s tests/integration/test_nothing_lost.py
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import soundfile as sf

from .conftest import RECIPE, spawn
from .forking import Forker
from .helpers import snapshot

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="no os.pidfd_open: only Linux has it"
)

STAGES = (
    *("scan", "plays", "mel", "factors", "train", "embed", "index"),
    *("add", "evaluate", "tags"),
)
KILLS = int(os.environ.get("AUDIOREC_KILLS", len(STAGES)))
LONG = len(STAGES) < KILLS
IN_A_ROW = 3  # kills before a stage is left to end
# So that a small world has several of what a large one has: commits within a stage.
SETTINGS: dict[str, Any] = {
    "audiorec.mel.compute:SHARD_TRACKS": 8,
    "audiorec.scan.scanner:BATCH_SECONDS": 0.05,
    "audiorec.training.loop:SAVE_SECONDS": 0.0,
}
SWAPPED = {"audiorec.models.encoders.pretrained:load_pretrained": "forking:random_network"}
if not LONG:  # in the short form, workers that need not import everything first
    SWAPPED["multiprocessing:get_context"] = "forking:forked_context"
TABLES = ("tracks", "failures", "staged", "tags", "tag_features", "names")


class Trial(NamedTuple):
    """A stage that has work to do.

    Attributes
    ----------
    before, after : Path
        A workspace in which it has, and what a run that was left in peace has made of it. Not to
        be changed.
    command : tuple
    seconds : float
        What that took.
    """

    before: Path
    after: Path
    command: tuple[object, ...]
    seconds: float


@pytest.fixture(scope="module")
def forked():
    forker = Forker()

    def run(workspace, *command, swapped=None, **options):
        swapped = SWAPPED | (swapped or {})
        return forker("-w", workspace, *command, settings=SETTINGS, swapped=swapped, **options)

    yield run
    forker.close()


def state(workspace: Path) -> dict[str, object]:
    """All that a workspace holds, but for the time that it took, and what waits for `mel`."""
    held: dict[str, object] = {}
    for name, content in snapshot(workspace).items():
        if name.startswith(".evaluation") and name.endswith("manifest.json"):
            manifest = json.loads(content)
            manifest["extra"].pop("seconds", None)
            held[name] = (manifest["files"], manifest["inputs"], manifest["extra"])
        elif not name.startswith(("reports/evaluation", ".ahead/")):
            held[name] = content
    with closing(sqlite3.connect(workspace / "catalog.sqlite")) as database:
        for table in TABLES:
            held[table] = sorted(map(repr, database.execute(f"SELECT * FROM {table}")))
    return held


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two dozen short recordings, two that are none, and more listening."""
    folder = tmp_path_factory.mktemp("more")
    (folder / "music").mkdir()
    rng = np.random.default_rng(0)
    t = np.arange(30_000) / 20_000
    for n in range(24):
        y = np.sin(2 * np.pi * (200 + 40 * n) * t) + rng.normal(0, 0.1, len(t))
        sf.write(folder / "music" / f"{n:02d}.{('wav', 'flac', 'ogg')[n % 3]}", y / 4, 20_000)
    (folder / "music" / "text.mp3").write_text("not a sound " * 500)
    (folder / "music" / "empty.wav").touch()
    rows = [f"more{rng.integers(300)},t{rng.integers(60):06d},{n % 9 + 1}" for n in range(20_000)]
    (folder / "plays.csv").write_text("\n".join(["user_id,track_id,plays", *rows]))
    (folder / "other.toml").write_text(
        RECIPE.replace("factors = 8", "factors = 8\nalpha = 3.0").replace(
            "max_epochs = 4", "max_epochs = 4\nlearning_rate = 0.002"
        )
    )
    return folder


@pytest.fixture(scope="module")
def trials(forked, finished, files, world, tmp_path_factory) -> Callable[[str], Trial]:
    """What each stage has to do; those that follow on each other are made on the way."""
    root = tmp_path_factory.mktemp("trials")
    made: dict[str, Trial] = {}
    other = ("--recipe", files / "other.toml")
    commands: dict[str, tuple[str | None, tuple[object, ...]]] = {
        "scan": (None, ("scan", files / "music")),
        "plays": (None, ("plays", files / "plays.csv")),
        "mel": ("scan", ("mel",)),
        "factors": (None, ("factors", *other)),
        "train": ("factors", ("train", *other)),
        "embed": ("train", ("embed", *other)),
        "index": ("embed", ("index", *other)),
        "add": (None, ("add", world.held_back, files / "music")),
        "evaluate": (None, ("evaluate", "--system", "mel statistics + ridge")),
        "tags": ("tags", ("tags", "--all")),
    }

    def trial(stage: str) -> Trial:
        if stage in made:
            return made[stage]
        needs, command = commands[stage]
        if stage == "tags":
            before = root / "tags-before"
            few = sorted((files / "music").glob("0*.*"))[:6]
            assert forked(before, "scan", *few).code == 0
        elif needs is None:
            before = finished
        else:
            trial(needs)
            before = root / needs
        workspace = root / stage
        shutil.copytree(before, workspace)
        done = forked(workspace, *command)
        assert done.code == 0, (stage, done.err)
        made[stage] = Trial(before, workspace, command, done.seconds)
        return made[stage]

    return trial


def answer(forked, workspace: Path) -> str:
    """What a workspace answers; empty where it says in one line which stage is to be run."""
    done = forked(workspace, "status", "--json")
    assert done.code == 0, done.err
    states = json.loads(done.out)["artifacts"].values()
    assert not [told for told in states if "damaged" in told or "should have" in told]
    done = forked(workspace, "similar", "t000001", "-k", "5", "--json")
    if done.code == 0:
        return done.out
    assert done.code == 1 and done.err.count("\n") == 1 and "run 'audiorec " in done.err, done.err
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_random_moments_a_stage_ends_as_if_it_were_not(
    stage, trials, forked, tmp_path, capsys
):
    trial = trials(stage)
    answers = {answer(forked, trial.before), answer(forked, trial.after), ""}
    expected = state(trial.after)
    wanted = KILLS // len(STAGES) + (STAGES.index(stage) < KILLS % len(STAGES))
    draw = random.Random(f"kill {stage}")
    workspace = tmp_path / "workspace"
    kills = rounds = 0
    limit = trial.seconds
    while kills < wanted:
        shutil.copytree(trial.before, workspace)
        for _ in range(min(IN_A_ROW, wanted - kills)):
            done = forked(workspace, *trial.command, kill_after=draw.uniform(0, limit))
            if done.code is not None:
                limit *= 0.95  # it is faster than it was: strike sooner
                break
            kills += 1
            assert answer(forked, workspace) in answers
        rounds += 1
        assert rounds <= 3 * wanted + 5, "the runs end before they are killed"
        done = forked(workspace, *trial.command)
        assert done.code == 0, done.err
        after = state(workspace)
        assert after.keys() == expected.keys()
        assert [name for name in after if after[name] != expected[name]] == []
        assert stage in {"scan", "tags"} or not (workspace / ".ahead").exists()
        shutil.rmtree(workspace)
    if LONG:
        with capsys.disabled():
            said = f"{kills} kills of {trial.seconds:.2f} s, {rounds} ends"
            print(f"\n{stage}: {said}: 0 lost, 0 torn", file=sys.stderr)


def check_told(done, *words: str) -> None:
    """A command failed, and said why in one line."""
    assert done.code == 1 and "Traceback" not in done.err, (done.code, done.err)
    said = [line for line in done.err.splitlines() if line.startswith("audiorec: ")]
    assert len(said) == 1, done.err
    assert all(word in said[0] for word in words), said


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES if LONG else ("plays", "factors", "add"))
def test_a_full_disk_is_one_line_and_costs_nothing(stage, trials, forked, tmp_path):
    trial = trials(stage)
    answers = {answer(forked, trial.before), answer(forked, trial.after), ""}
    expected = state(trial.after)
    workspace = tmp_path / "workspace"
    shutil.copytree(trial.before, workspace)
    draw = random.Random(f"full {stage}")
    failed = 0
    for _ in range(2 + KILLS // 50):
        done = forked(workspace, *trial.command, file_size=int(2 ** draw.uniform(8, 17)))
        if done.code != 0:
            check_told(done, "; ")
            failed += 1
        assert answer(forked, workspace) in answers
    assert failed
    done = forked(workspace, *trial.command)
    assert done.code == 0, done.err
    after = state(workspace)
    assert [name for name in {*after, *expected} if after.get(name) != expected.get(name)] == []


@pytest.mark.slow
def test_on_a_full_disk_questions_have_answers(trials, forked):
    for question in (["similar", "t000001"], ["status"], ["doctor"], ["tags", "--list"]):
        full = forked(trials("factors").before, *question, file_size=100)
        assert full == forked(trials("factors").before, *question)._replace(
            seconds=full.seconds, peak=full.peak
        )


@pytest.mark.slow
def test_a_read_only_workspace_answers_and_is_not_written(trials, forked, world, tmp_path):
    trial = trials("factors")
    workspace = tmp_path / "workspace"
    shutil.copytree(trial.before, workspace)
    for path in (*workspace.rglob("*"), workspace):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = snapshot(workspace)
    user = world.plays_csv.read_text().splitlines()[1].split(",")[0]
    try:
        for question in (["status"], ["doctor"], ["similar", "t000001"], ["recommend", user]):
            done = forked(workspace, *question, ordinary=True)
            assert done.code == 0 and done.out, (question, done.err)
        for stage in ("scan", "plays", "factors", "add", "evaluate"):
            done = forked(workspace, *trials(stage).command, ordinary=True)
            check_told(done, "permission", "; check its permissions")
        assert snapshot(workspace) == before
    finally:
        for path in (workspace, *workspace.rglob("*")):
            path.chmod(0o755)


@pytest.mark.slow
def test_a_clock_that_goes_backwards_changes_nothing(trials, forked, tmp_path):
    clock = {"time:time": "forking:backwards"}
    for stage in ("scan", "mel", "factors"):
        trial = trials(stage)
        workspace = tmp_path / stage
        shutil.copytree(trial.before, workspace)
        for n, path in enumerate(sorted(workspace.rglob("*"))):
            os.utime(path, (2**31 * (n % 2), 2**31 * (n % 2)))  # 1970 and 2038
        done = forked(workspace, *trial.command, swapped=clock)
        assert done.code == 0, done.err
        assert state(workspace) == state(trial.after)
        shutil.rmtree(workspace)


@pytest.mark.slow
def test_of_two_at_once_one_waits_its_turn(trials, finished, tmp_path):
    trial = trials("factors")
    workspace = tmp_path / "workspace"
    shutil.copytree(trial.before, workspace)
    both = [spawn("-w", workspace, *trial.command) for _ in range(2)]
    for process in both:
        _, err = process.communicate()
        if process.returncode:
            assert process.returncode == 1 and err.count("\n") == 1, err
            assert "is in use by process" in err
    assert 0 in {process.returncode for process in both}
    assert state(workspace) == state(trial.after)
