"""A byte flipped, a file cut or gone, anywhere in a workspace: told of, and made again.

The long form, many places in every file: AUDIOREC_DAMAGE=40 pytest tests/integration/test_damage.py
"""

from __future__ import annotations

import json
import os
import random
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audiorec import artifacts

from .conftest import call
from .helpers import HARMS, failed, harm, snapshot

PLACES = int(os.environ.get("AUDIOREC_DAMAGE", "1"))
# What holds arrays under digests, and what is made again from what.
ARTIFACTS = ("mels", "factors", "model", "embeddings", "index")
# Neither do these answer, nor is anything made from them.
FOR_PEOPLE = ("reports", ".lock", "catalog.sqlite-")


def files_of(workspace: Path, *kinds: str) -> list[Path]:
    return sorted(p for kind in kinds for p in (workspace / kind).iterdir() if p.is_file())


@pytest.fixture
def harmed(workspace: Path) -> Iterator[Callable[..., bytes]]:
    """Harm a file, and put it right when the block is over."""
    kept: dict[Path, bytes] = {}

    def do(path: Path, how: str, place: float) -> bytes:
        for other, content in kept.items():
            other.write_bytes(content)
        kept.clear()
        kept[path] = path.read_bytes()
        harm(path, how, place)
        return kept[path]

    yield do


def ask(workspace: Path) -> None:
    """Whatever lies there, a question has an answer or a line that says what to do."""
    for question in (["status"], ["similar", "t000001", "-k", "3"], ["recommend", "u000001"]):
        answer = call("-w", workspace, *question)
        if answer.code:
            failed(answer, "; ")
            assert answer.err.count("\n") == 1, answer.err


@pytest.mark.slow
@pytest.mark.parametrize("how", HARMS)
def test_every_file_of_every_artifact(how, workspace, harmed):
    draw = random.Random(how)
    for path in files_of(workspace, *ARTIFACTS, "plays"):
        for _ in range(PLACES):
            place = draw.random()
            whole = harmed(path, how, place)
            if path.is_file() and path.read_bytes() == whole:
                continue  # cut at its end
            ask(workspace)
            answer = call("-w", workspace, "doctor")
            if path.name == "manifest.json" and how == "gone":
                told = call("-w", workspace, "status").out
                assert "none yet: run 'audiorec" in told
                continue
            assert answer.code == 1, (path, place)
            line = next(line for line in answer.out.splitlines() if str(path) in line)
            assert "; run 'audiorec " in line


ODD: tuple[object, ...] = (None, "x", 7, -1.5, [], {}, [1], {"a": 1}, True, ...)


def keys_within(value: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of a table and of the tables in it."""
    for key, one in value.items():
        yield (*above, key)
        if isinstance(one, dict):
            yield from keys_within(one, (*above, key))


@pytest.mark.slow
def test_what_a_manifest_keeps_may_be_anything(workspace):
    """A manifest by hand, whose digest is right: an answer, or a line that says what to do."""
    draw = random.Random(0)
    with_sessions = ("sessions",) if (workspace / "sessions").is_dir() else ()
    for path in files_of(workspace, *ARTIFACTS, "plays", *with_sessions):
        if path.name != "manifest.json":
            continue
        whole = path.read_text()
        keys = list(keys_within(json.loads(whole)["extra"]))
        for key in draw.sample(keys, min(len(keys), 6 * PLACES)):
            raw = json.loads(whole)
            del raw["fingerprint"]
            table = raw["extra"]
            for part in key[:-1]:
                table = table[part]
            table[key[-1]] = draw.choice(ODD)
            if table[key[-1]] is ...:
                del table[key[-1]]
            path.write_text(json.dumps({**raw, "fingerprint": artifacts.fingerprint(raw)}))
            ask(workspace)
            for question in (["next", "t000001"], ["plays", "list"], ["doctor"]):
                answer = call("-w", workspace, *question)
                assert answer.code in (0, 1) and answer.err.count("\n") <= 1, (key, answer)
        path.write_text(whole)


@pytest.mark.slow
@pytest.mark.parametrize("how", HARMS)
def test_run_makes_again_what_it_can(how, workspace, recipe):
    whole = snapshot(workspace)
    draw = random.Random(f"run {how}")
    for _ in range(PLACES):
        for kind in ARTIFACTS:
            harm(draw.choice(files_of(workspace, kind)), how, draw.random())
        answer = call("-w", workspace, "run", recipe)
        assert answer.code == 0, answer.err
        assert snapshot(workspace) == whole


@pytest.mark.slow
def test_plays_are_named_with_the_file_that_they_came_from(workspace, world):
    whole = snapshot(workspace)
    for how in HARMS:
        for path in files_of(workspace, "plays"):
            if path.name == "manifest.json" and how == "gone":
                continue
            harm(path, how, 0.5)
            answer = call("-w", workspace, "run")
            message = failed(answer, path, "; run 'audiorec plays ")
            left = {n: c for n, c in whole.items() if not n.startswith("plays")}
            assert left.items() <= snapshot(workspace).items()
            if path.name != "manifest.json":
                remedy = message.partition("run 'audiorec ")[2].removesuffix("' to make it again")
                assert shlex.split(remedy) == ["plays", str(world.plays_csv)]
            assert call("-w", workspace, "plays", world.plays_csv).code == 0
            assert call("-w", workspace, "run").code == 0
            assert snapshot(workspace) == whole


@pytest.mark.slow
def test_a_catalogue_is_named_and_scanned_again(workspace, world):
    path = workspace / "catalog.sqlite"
    whole = path.read_bytes()
    draw = random.Random(0)
    for n in range(20 * PLACES):
        how, place = ("flipped", "cut")[n % 2], draw.random()
        path.write_bytes(HARMS[how](whole, place))
        ask(workspace)
        answer = call("-w", workspace, "doctor")
        named = [line for line in answer.out.splitlines() if line.startswith("catalogue ")]
        assert answer.code == 1 and len(named) == 1 and "; " in named[0], (how, place, answer)
    before = snapshot(workspace)
    path.write_bytes(whole[: len(whole) // 2])
    failed(call("-w", workspace, "run"), path, "move it away", "audiorec scan")
    path.unlink()  # moved away, as the message says
    assert call("-w", workspace, "scan", "--manifest", world.tracks_csv).code == 0
    assert call("-w", workspace, "run").code == 0
    after = snapshot(workspace)
    assert {n for n in before if n.startswith(ARTIFACTS) and before[n] != after[n]} == set()


@pytest.mark.slow
def test_kept_scores_are_made_again(workspace):
    evaluation = ("evaluate", "--system", "mel statistics + ridge", "--json")
    first = call("-w", workspace, *evaluation)
    assert first.code == 0, first.err
    for how in HARMS:
        for place in (workspace / ".evaluation").iterdir():
            for path in files_of(place, "."):
                harm(path, how, 0.9)
                break
        again = call("-w", workspace, *evaluation)
        assert again.code == 0, again.err
        assert _without_seconds(again.out) == _without_seconds(first.out)


def _without_seconds(text: str) -> object:
    return json.loads(text, object_hook=lambda part: {k: part[k] for k in part if k != "seconds"})


@pytest.mark.slow
@pytest.mark.parametrize("how", HARMS)
def test_the_other_files(how, workspace):
    """The mark, the recipe, what is for people: a line, or no matter."""
    for name in ("workspace.json", "recipe.toml", *FOR_PEOPLE):
        for path in sorted(workspace.glob(f"{name}*")):
            if path.is_dir():
                continue
            whole = path.read_bytes()
            if not whole:
                continue
            for place in (0.2, 0.6, 0.95):
                harm(path, how, place)
                for command in ("status", "doctor"):
                    answer = call("-w", workspace, command)
                    if answer.code and not answer.out:
                        failed(answer, "; ")
                path.write_bytes(whole)
