"""What a user can get wrong, each one clear line, and nothing that is stored is lost."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audiorec import artifacts

from .conftest import call, spawn
from .helpers import failed, snapshot


def test_a_workspace_that_is_missing_newer_or_foreign(workspace, tmp_path):
    for command in (["status"], ["similar", "x"], ["run"], ["doctor"], ["evaluate"]):
        failed(call("-w", tmp_path / "none", *command), "no workspace at", tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (workspace / "workspace.json").write_text('{"version": 99}')
    failed(call("-w", workspace, "similar", "x"), "version 99", "upgrade")
    marker = workspace / "workspace.json"
    marker.write_text("{")
    failed(call("-w", workspace, "status"), marker, '{"version": 1}', "in place of")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    failed(call("-w", tmp_path / "photos", "scan", tmp_path), "a.jpg")


NEWER = (
    f"format version {artifacts.FORMAT_VERSION + 1}, newer than {artifacts.FORMAT_VERSION}; upgrade"
)


def age(directory: Path, version: int) -> None:
    """Sign an artifact as a version of the program that writes this format would."""
    path = directory / artifacts.MANIFEST
    body = json.loads(path.read_bytes()) | {"format_version": version}
    del body["fingerprint"]
    path.write_text(json.dumps({**body, "fingerprint": artifacts.fingerprint(body)}))


@pytest.mark.parametrize("kind", ["plays", "mels", "factors", "model", "embeddings", "index"])
def test_what_a_newer_version_has_made_is_never_replaced(workspace, world, kind):
    age(workspace / kind, artifacts.FORMAT_VERSION + 1)
    before = snapshot(workspace)
    said = f"{workspace / kind / artifacts.MANIFEST} has {NEWER}"
    stage = artifacts.STAGE_OF[kind]
    stage = "factors" if kind == "plays" else stage
    for command in (["run"], [stage]):
        failed(call("-w", workspace, *command), said)
        assert snapshot(workspace) == before, command
    answer = call("-w", workspace, "doctor")
    assert answer.code == 1 and said in answer.out
    failed(call("-w", workspace, "plays", world.plays_csv), said) if kind == "plays" else None


def test_what_a_newer_version_has_kept_is_never_replaced(workspace):
    """What an evaluation keeps for the next one."""
    evaluation = ("evaluate", "--system", "mel statistics + ridge", "--json")
    assert call("-w", workspace, *evaluation).code == 0
    kept = sorted(path.parent for path in (workspace / ".evaluation").rglob(artifacts.MANIFEST))
    assert kept
    for place in kept:
        age(place, artifacts.FORMAT_VERSION + 1)
        before = snapshot(workspace)
        failed(call("-w", workspace, *evaluation), place, NEWER)
        assert snapshot(workspace) == before
        age(place, artifacts.FORMAT_VERSION)


def test_arguments_are_checked_before_a_workspace_is_made(tmp_path):
    none = tmp_path / "nowhere"
    failed(call("-w", tmp_path / "w", "scan", none), none, "check the path")
    failed(call("-w", tmp_path / "w", "scan", "--manifest", none), none, "check the path")
    failed(call("-w", tmp_path / "w", "plays", none), none, "check its path")
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_in_use(workspace, tmp_path):
    script = (
        "import sys, pathlib; from audiorec.workspace import Workspace\n"
        "with Workspace(pathlib.Path(sys.argv[1])).writing(): print(1, flush=True); input()\n"
    )
    command = [sys.executable, "-c", script, str(workspace)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        failed(call("-w", workspace, "run"), "in use by process", holder.pid)
        assert call("-w", workspace, "status").code == 0  # reading needs no lock
        holder.kill()


def test_a_workspace_half_written_is_named_and_mended(workspace):
    whole = snapshot(workspace)
    victim = next((workspace / "embeddings").glob("vectors.*.npy"))
    victim.write_bytes(victim.read_bytes()[:-7])
    assert call("-w", workspace, "doctor").code == 1
    assert call("-w", workspace, "run").code == 0
    flipped = bytearray(next((workspace / "factors").glob("track_factors.*.npy")).read_bytes())
    flipped[-1] ^= 1
    next((workspace / "factors").glob("track_factors.*.npy")).write_bytes(flipped)
    answer = call("-w", workspace, "doctor")
    assert answer.code == 1 and "track_factors" in answer.out and "audiorec factors" in answer.out
    (workspace / "model" / "manifest.json").write_text("{")
    assert "damaged" in call("-w", workspace, "doctor").out
    assert call("-w", workspace, "run").code == 0
    assert snapshot(workspace) == whole


def test_names_that_fit_nothing_or_several(workspace, world):
    failed(call("-w", workspace, "similar", "no such thing at all"), "no such thing at all")
    failed(call("-w", workspace, "recommend", "nobody"), "unknown listener 'nobody'")
    folder = world.tracks_csv.parent
    failed(call("-w", workspace, "similar", folder), folder, "is a folder", "audiorec add")
    answer = call("-w", workspace, "status", "--failures", "--json")
    for failure in json.loads(answer.out):
        stem = Path(failure["path"]).stem
        answer = call("-w", workspace, "similar", stem)
        failed(answer, failure["reason"], "audiorec status --failures")
        failed(call("-w", workspace, "similar", failure["path"]), failure["reason"])
    answer = call("-w", workspace, "similar", "no such thing at all")
    failed(answer, "2 files could not be read: see 'audiorec status --failures'")
    failed(call("-w", workspace, "similar"), "Name a track", code=2)
    failed(call("-w", workspace, "similar", "x", "-k", "0"), "0", code=2)
    failed(call("-w", workspace, "simlar", "x"), "Did you mean 'similar'", code=2)


def test_questions_before_there_is_an_index(scanned, tmp_path, recipe, world):
    workspace = tmp_path / "workspace"
    shutil.copytree(scanned, workspace)
    failed(call("-w", workspace, "similar", "t000001"), "audiorec index")
    failed(call("-w", workspace, "recommend", "u"), "audiorec index")
    failed(call("-w", workspace, "add", world.held_back), "audiorec train")
    failed(call("-w", workspace, "train"), "audiorec mel")
    failed(call("-w", workspace, "evaluate"), "audiorec mel")


def test_stages_before_their_inputs(tmp_path):
    workspace = tmp_path / "empty"
    (tmp_path / "music").mkdir()
    assert call("-w", workspace, "scan", tmp_path / "music").code == 0
    failed(call("-w", workspace, "mel"), "audiorec scan")
    failed(call("-w", workspace, "factors", "--recipe", "scratch"), "audiorec plays")
    assert "not needed" in call("-w", workspace, "factors").out  # the recipe without listening


def test_an_index_of_another_model_is_never_a_silent_answer(workspace, recipe, tmp_path, world):
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text().replace("max_epochs = 4", "max_epochs = 1"))
    assert call("-w", workspace, "train", "--recipe", other).code == 0
    outside = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    failed(call("-w", workspace, "similar", outside), "audiorec embed")
    assert call("-w", workspace, "embed").code == 0
    failed(call("-w", workspace, "similar", "t000001"), "audiorec index")


def test_a_blend_of_other_factors_is_never_a_silent_answer(workspace, recipe, tmp_path, world):
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text().replace("factors = 8", "factors = 8\nalpha = 3.0"))
    assert call("-w", workspace, "factors", "--recipe", other).code == 0
    user = (world.plays_csv).read_text().splitlines()[1].split(",")[0]
    for question in (["similar", "t000001"], ["recommend", user]):
        failed(call("-w", workspace, *question), "factors", "audiorec run")
    failed(call("-w", workspace, "index"), "other factors", "audiorec train", "audiorec embed")
    assert call("-w", workspace, "run").code == 0
    assert call("-w", workspace, "recommend", user).code == 0


def test_spaces_and_dials_that_there_are_not(workspace, world):
    outside = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    answer = call("-w", workspace, "similar", outside, "--space", "listening")
    failed(answer, "nobody has played", "--space blend")
    added = call("-w", workspace, "add", outside).out.split()[0]
    answer = call("-w", workspace, "similar", added, "--space", "listening")
    failed(answer, added, "too little", "--space blend")
    failed(call("-w", workspace, "similar", added, "--space", "taste"), "taste", code=2)
    failed(call("-w", workspace, "similar", added, "--popularity", "3"), "3", code=2)
    failed(
        call("-w", workspace, "evaluate", "--study", "cold-to-warm", "--system", "random"), "random"
    )


def test_more_than_there_is_says_so(finished, world, tmp_path):
    answer = call("-w", finished, "similar", "t000001", "-k", "5000")
    found = len(answer.out.splitlines())
    assert answer.code == 1 and found > 30
    line = f"-k 5000 is more than there are: all {found} tracks that fit are shown; "
    assert answer.err == f"{line}ask for -k {found} or fewer\n"
    user = world.plays_csv.read_text().splitlines()[1].split(",")[0]
    answer = call("-w", finished, "recommend", user, "-k", "5000", "--json")
    found = len(json.loads(answer.out)["results"])
    assert answer.code == 1 and f"all {found} tracks that fit" in answer.err
    # No more than there are tracks: one that was asked about is not its own neighbour.
    assert call("-w", finished, "similar", "t000001", "-k", found + 1).code == 0
    file = tmp_path / "long.m3u8"
    for form in ([], ["--json"]):
        answer = call("-w", finished, "playlist", "t000001", "--length", 5000, "-o", file, *form)
        assert answer.code == 0 and " of 5000 tracks: the library holds no more" in answer.err


def test_a_read_only_workspace_is_one_line(workspace, recipe, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied", str(workspace / "recipe.toml"))

    monkeypatch.setattr("audiorec.pipeline.recipe_choice.write_atomic", refuse)
    failed(call("-w", workspace, "run", recipe), "Permission denied", "recipe.toml")


def test_an_interrupted_command_is_no_traceback(finished):
    with spawn("-w", finished, "similar", "t000001", "-k", "3") as process:
        _, err = process.communicate()
        assert process.returncode == 0 and not err


# What reads each of the vectors, beside the stages that are made of them.
VECTORS = {
    ("factors", "track_factors"): [["export", "track-factors", "x.parquet"]],
    ("factors", "user_factors"): [
        ["recommend", "u000001"],
        ["export", "user-factors", "x.parquet"],
    ],
    ("embeddings", "vectors"): [["similar", "t000001", "--space", "content"]],
    ("index", "vectors"): [
        ["similar", "t000003"],
        ["similar", "t000001"],
        ["recommend", "u000001"],
        ["playlist", "t000010"],
        ["export", "embeddings", "x.parquet"],
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), VECTORS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_named_and_made_again(
    kind, name, value, workspace, recipe, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    whole = snapshot(workspace)
    (path,) = (workspace / kind).glob(f"{name}.*.npy")
    vectors = np.load(path)
    vectors[3, 2] = value
    np.save(path, vectors)
    harmed = snapshot(workspace)
    stage = artifacts.STAGE_OF[kind]
    said = (workspace / kind, "holds NaN or infinity", f"; run 'audiorec {stage}' to make it again")
    for question in VECTORS[kind, name]:
        failed(call("-w", workspace, *question), *said)
    assert not (tmp_path / "x.parquet").exists()
    assert call("-w", workspace, "doctor").code == 1
    for made, after in (("model", "train"), ("index", "index")):
        if kind == "index" or (kind, made) == ("embeddings", "model"):
            continue
        fresh = tmp_path / made
        shutil.copytree(workspace, fresh)
        shutil.rmtree(fresh / made)
        left = snapshot(fresh)
        failed(call("-w", fresh, after, "--recipe", recipe), fresh / kind, *said[1:])
        assert snapshot(fresh) == left
    assert snapshot(workspace) == harmed
    assert call("-w", workspace, stage, "--recipe", recipe).code == 0
    assert snapshot(workspace) == whole
