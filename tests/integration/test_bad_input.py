"""What a user can get wrong, each one clear line, and nothing that is stored is lost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import soundfile as sf

from audiorec import artifacts
from audiorec.data.catalog import Catalog

from .conftest import call, spawn


def failed(answer, *words, code=1):
    """Check that a command said what is wrong in one line."""
    assert answer.code == code, (answer.out, answer.err)
    lines = [line for line in answer.err.splitlines() if line.strip()]
    message = lines[-1]
    assert "Traceback" not in answer.err
    for word in words:
        assert str(word) in message, (word, answer.err)
    return message


def snapshot(workspace: Path) -> dict[str, bytes]:
    """Every stored file but SQLite's and the lock's own."""
    return {
        str(path.relative_to(workspace)): path.read_bytes()
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and not path.name.startswith((".lock", "catalog.sqlite"))
    }


PLAYS = {
    "no-column.csv": ("user_id,colour\nu,t\n", "track_id"),
    "negative.csv": ("user_id,track_id,plays\nu,t,-3\n", "-3"),
    "words.csv": ("user_id,track_id,plays\nu,t,many\n", "many"),
    "empty.csv": ("", "empty.csv"),
    "header-only.csv": ("user_id,track_id,plays\n", "header-only.csv"),
}


@pytest.mark.parametrize("name", PLAYS)
def test_plays_that_cannot_be_used_leave_what_is_stored(workspace, tmp_path, name):
    text, word = PLAYS[name]
    file = tmp_path / name
    file.write_text(text)
    before = snapshot(workspace)
    failed(call("-w", workspace, "plays", file), file, word)
    assert snapshot(workspace) == before


def test_plays_in_another_encoding(workspace, tmp_path):
    file = tmp_path / "latin.csv"
    file.write_bytes("user_id,track_id,plays\nпесня,t,1\n".encode("cp1251"))
    failed(call("-w", workspace, "plays", file), file, "UTF-8")
    failed(call("-w", workspace, "plays", tmp_path / "none.csv"), "none.csv")
    failed(call("-w", workspace, "plays", file, "--source", "tape"), "tape", code=2)


def test_plays_of_unknown_tracks_and_double_rows_are_counted_and_kept(workspace, tmp_path):
    file = tmp_path / "more.csv"
    file.write_text(
        "user_id,track_id,plays,timestamp\n"
        "u,nobody-has-this,3,1700000000\nu,nobody-has-this,3,1700000000\n"
    )
    answer = call("-w", workspace, "plays", file, "--json")
    report = json.loads(answer.out)
    assert (report["rows"], report["tracks"], report["duplicates"]) == (1, 1, 1)
    told = call("-w", workspace, "plays", file).err
    assert f"{file}: 1 row equal to an earlier one" in told
    assert "'nobody-has-this'" in told and "no audio" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [("[mel]\nhops = 3\n", ["hops"]), ("[train]\nbatch_size = 0\n", ["batch_size=0"])],
)
def test_a_recipe_that_is_wrong(workspace, tmp_path, text, words):
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    before = snapshot(workspace)
    failed(call("-w", workspace, "run", file), file, *words)
    assert snapshot(workspace) == before


def test_a_recipe_that_fails_leaves_the_one_before(workspace, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text("[factors]\nmin_tracks_per_user = 1000\n")
    before = snapshot(workspace)
    for command in (["factors", "--recipe", bad], ["run", bad]):
        failed(call("-w", workspace, *command), "min_tracks_per_user")
        assert snapshot(workspace) == before
    answer = call("-w", workspace, "factors")
    assert answer.code == 0 and "up to date" in answer.out


def test_a_run_that_is_killed_is_gone_on_with_by_its_recipe(workspace, tmp_path):
    other, bad = tmp_path / "other.toml", tmp_path / "bad.toml"
    other.write_text("[factors]\nfactors = 5\n")
    bad.write_text("[factors]\nmin_tracks_per_user = 1000\n")
    before = (workspace / "recipe.toml").read_bytes()

    def killed(recipe):
        with (
            mock.patch("audiorec.factors.fit_factors", side_effect=SystemExit(137)),
            mock.patch(
                "audiorec.pipeline.pipeline.filtered_interactions", return_value=(None, None)
            ),
        ):
            assert call("-w", workspace, "factors", "--recipe", recipe).code == 137
        assert (workspace / "recipe.toml").read_bytes() == before

    killed(bad)
    failed(call("-w", workspace, "factors"), "min_tracks_per_user")
    assert "up to date" in call("-w", workspace, "factors").out  # by the recipe before
    killed(other)
    assert call("-w", workspace, "factors").code == 0
    assert artifacts.load_manifest(workspace / "factors", kind="factors").config["factors"] == 5
    assert "factors = 5" in (workspace / "recipe.toml").read_text()
    assert "up to date" in call("-w", workspace, "factors").out


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


def test_an_ambiguous_name_lists_its_candidates(tmp_path, workspace):
    rng = np.random.default_rng(0)
    rows = ["track_id,path,artist,title"]
    for n, artist in enumerate(("Alma Ro", "Bela Tu")):
        sf.write(tmp_path / f"{n}.wav", rng.normal(0, 0.1, 22050 * 3), 22050)
        rows.append(f"same{n},{n}.wav,{artist},Evening Song")
    (tmp_path / "two.csv").write_text("\n".join(rows))
    assert call("-w", workspace, "scan", "--manifest", tmp_path / "two.csv").code == 0
    answer = call("-w", workspace, "similar", "Evening Song")
    assert answer.code == 1
    assert "Alma Ro" in answer.err and "Bela Tu" in answer.err
    failed(call("-w", workspace, "similar", "same0"), "not in the index", "audiorec run")
    with Catalog(workspace / "catalog.sqlite") as catalog:
        catalog.record_failure(tmp_path / "0.wav", stage="mel", reason="0.wav is odd; mend it")
    answer = call("-w", workspace, "similar", "same0")
    failed(answer, "could not be heard: 0.wav is odd; mend it", "audiorec status --failures")


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
    other.write_text(recipe.read_text().replace("factors = 8", "factors = 8\niterations = 3"))
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


def test_files_that_cannot_be_read_never_stop_a_scan(tmp_path, recipe):
    music = tmp_path / "music"
    music.mkdir()
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 22050 * 4)
    sf.write(music / "good.wav", sound, 22050)
    sf.write(music / "ночь\nи день.flac", sound[::-1], 22050)
    sf.write(music / "silent.wav", np.zeros(22050 * 3), 22050)
    sf.write(music / "short.wav", sound[:2000], 22050)
    (music / "empty.mp3").touch()
    (music / "text.mp3").write_text("not a sound " * 500)
    (music / "loop.mp3").symlink_to(music / "loop.mp3")
    os.mkfifo(music / "pipe.wav")
    workspace = tmp_path / "workspace"
    answer = call("-w", workspace, "scan", music)
    assert answer.code == 0 and "2 added" in answer.out, answer
    assert call("-w", workspace, "scan", music, "--strict").code == 1
    named = call("-w", workspace, "status", "--failures").out
    for name in ("silent.wav", "short.wav", "empty.mp3", "text.mp3", "loop.mp3", "pipe.wav"):
        assert name in named
    assert all(len(line.strip()) > 10 for line in named.strip().splitlines())


def test_add_names_the_files_that_it_could_not_read(workspace, world, tmp_path):
    junk = tmp_path / "junk.mp3"
    junk.write_text("not a sound " * 500)
    failed(call("-w", workspace, "add", junk), "status --failures")
    good = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    answer = call("-w", workspace, "add", good, junk)
    assert answer.code == 0 and len(answer.out.split()) == 1
    assert str(junk) in answer.err
    assert call("-w", workspace, "add", good, junk, "--strict").code == 1


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


def test_files_that_failed_need_no_mending(workspace, world):
    answer = call("-w", workspace, "doctor")
    assert answer.code == 0, answer.out
    assert "2 files could not be read; see 'audiorec status --failures'" in answer.out
    assert "nothing needs mending" in answer.out
    found = json.loads(call("-w", workspace, "doctor", "--json").out)
    assert found["problems"] == [] and len(found["notes"]) == 1


def test_a_read_only_workspace_is_one_line(workspace, recipe, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied", str(workspace / "recipe.toml"))

    monkeypatch.setattr("audiorec.pipeline.recipes.write_atomic", refuse)
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
