"""A folder of music without listening, from scan to answers; its network has random weights."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch

from audiorec.models import pretrained
from audiorec.models.encoders.pretrained import empty_pretrained

from .conftest import call

MEL = '[mel]\nclip_seconds = 3.5\n[model]\nencoder = "vgg-msd"\n'
TRAIN = "[train]\nmax_epochs = 2\ndevice = 'cpu'\n[factors]\nfactors = 8\n"


@pytest.fixture(scope="module", autouse=True)
def network():
    """A network that needs no download."""
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        one = empty_pretrained("vgg-msd").eval()
        patch.setattr(pretrained, "is_fetched", lambda: True)
        patch.setattr("audiorec.models.encoders.build.load_pretrained", lambda name: one)
        yield one


@pytest.fixture(scope="module")
def library(world, tmp_path_factory):
    """A workspace that was scanned and run, and never told of any listening."""
    path = tmp_path_factory.mktemp("library") / "workspace"
    recipe = path.parent / "library.toml"
    recipe.write_text(f'{MEL}target = "content"\n[index]\nhubs = "csls"\n')
    assert call("-w", path, "scan", "--manifest", world.tracks_csv).code == 0
    answer = call("-w", path, "run", recipe)
    assert answer.code == 0, answer.err
    assert "factors  not needed" in answer.out
    return path


@pytest.fixture
def workspace(library, tmp_path):
    path = tmp_path / "workspace"
    shutil.copytree(library, path)
    return path


def similar(workspace, *arguments):
    answer = call("-w", workspace, "similar", *arguments, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)["results"]


def ids_of(workspace):
    from audiorec.data.catalog import Catalog

    with Catalog(workspace / "catalog.sqlite", read_only=True) as catalog:
        return [track.track_id for track in catalog.tracks()]


def test_similar_without_plays(library):
    ids = ids_of(library)
    assert len(similar(library, ids[0], "-k", 5)) == 5
    assert similar(library, ids[0], "--space", "content") == similar(library, ids[0])


def test_nothing_is_stale_or_wrong(library):
    again = call("-w", library, "run", "--json")
    assert again.code == 0, again.err
    assert not any(stage["worked"] for stage in json.loads(again.out))
    doctor = call("-w", library, "doctor")
    assert doctor.code == 0, doctor.out
    assert call("-w", library, "status").out.count("not needed") == 2


def test_what_needs_listening_says_so(library):
    ids = ids_of(library)
    for arguments, words in (
        (("recommend", "anna"), "no listening is known"),
        (("evaluate",), "there is no listening to evaluate on"),
        (("export", "track-factors", library.parent / "x.parquet"), "there are no factors"),
        (("similar", ids[0], "--space", "listening"), "places tracks by sound alone"),
        (("similar", ids[0], "--popularity", "1"), "popularity=1.0 needs listening"),
    ):
        answer = call("-w", library, *arguments)
        assert answer.code == 1
        assert words in answer.err and answer.err.count("\n") == 1, answer.err


def test_a_file_from_outside_is_heard(library, world, tmp_path):
    """A track that begins a little later is a copy; one cut further is another sound, near it."""
    import soundfile

    from audiorec.data.catalog import Catalog

    with Catalog(library / "catalog.sqlite", read_only=True) as catalog:
        track = catalog.tracks()[0]
    y, sr = soundfile.read(track.path)
    trimmed, cut = tmp_path / "trimmed.wav", tmp_path / "cut.wav"
    soundfile.write(trimmed, y[sr // 2 :], sr)
    assert similar(library, trimmed, "-k", 10) == similar(library, track.track_id, "-k", 10)
    soundfile.write(cut, y[2 * sr :], sr)  # the middle 3.5 s share less than copies do
    assert track.track_id in [hit["track_id"] for hit in similar(library, cut, "-k", 10)]


def test_a_new_file_is_added_without_training(workspace, world, tmp_path):
    import soundfile

    from audiorec.data.catalog import Catalog

    with Catalog(workspace / "catalog.sqlite", read_only=True) as catalog:
        path = catalog.tracks()[0].path
    y, sr = soundfile.read(path)
    new = tmp_path / "new.wav"
    soundfile.write(new, y[sr // 2 :], sr)
    model = (workspace / "model" / "manifest.json").read_bytes()
    answer = call("-w", workspace, "add", new)
    assert answer.code == 0, answer.err
    assert (workspace / "model" / "manifest.json").read_bytes() == model
    assert similar(workspace, new)


def test_playlists_are_listeners(workspace, tmp_path):
    from audiorec.data.catalog import Catalog

    with Catalog(workspace / "catalog.sqlite", read_only=True) as catalog:
        tracks = catalog.tracks()
    (tmp_path / "evening.m3u8").write_text("\n".join(track.path for track in tracks[:3]))
    answer = call("-w", workspace, "plays", tmp_path, "--source", "m3u")
    assert answer.code == 0, answer.err
    assert call("-w", workspace, "run").code == 0
    answer = call("-w", workspace, "recommend", "evening", "-k", 4, "--json")
    assert answer.code == 0, answer.err
    found = [hit["track_id"] for hit in json.loads(answer.out)["results"]]
    assert len(found) == 4
    assert not {track.track_id for track in tracks[:3]} & set(found)


def test_playlists_in_a_folder_of_music_count_by_themselves(world, tmp_path):
    import os

    music = tmp_path / "music"
    music.mkdir()
    with world.tracks_csv.open(encoding="utf-8") as lines:
        paths = [row["path"] for row in csv.DictReader(lines)][:4]
    for path in paths:
        os.link(world.tracks_csv.parent / path, music / Path(path).name)
    names = sorted(file.name for file in music.iterdir())
    (music / "evening.m3u8").write_text("\n".join([*names[:3], "gone.mp3"]))
    answer = call("-w", tmp_path / "ws", "scan", music, "--no-playlists")
    assert answer.code == 0 and "playlist" not in answer.err
    assert not (tmp_path / "ws" / "plays").exists()
    answer = call("-w", tmp_path / "ws", "scan", music)
    assert answer.code == 0, answer.err
    assert (
        f"{music}: 1 playlist counts as a listener of 3 tracks; 1 of the files named is not in the "
        "catalogue (--no-playlists turns this off)"
    ) in answer.err
    (music / "bad.m3u8").write_bytes(b"\0")
    answer = call("-w", tmp_path / "ws", "scan", music, "--strict")
    assert answer.code == 1
    assert "1 could not be read: see 'audiorec status --failures'" in answer.err
    assert "bad.m3u8 is no text" in call("-w", tmp_path / "ws", "status", "--failures").out
    (music / "bad.m3u8").unlink()
    assert call("-w", tmp_path / "ws", "scan", music, "--strict", "--no-playlists").code == 0
    answer = call("-w", tmp_path / "ws", "factors")  # too little listening: the recipe "library"
    assert answer.code == 0 and "not needed: tracks are placed by content alone" in answer.out
    answer = call("-w", tmp_path / "ws", "factors", "--recipe", "default")
    assert answer.code == 1 and "there are no plays" in answer.err


def test_weights_are_fetched_before_the_long_work(scanned, tmp_path, monkeypatch):
    from audiorec.exceptions import ArtifactError

    def fetch(name, *, progress):
        raise ArtifactError("no network; connect, or name a wheel")

    workspace = tmp_path / "workspace"
    shutil.copytree(scanned, workspace)
    shutil.rmtree(workspace / "mels", ignore_errors=True)
    recipe = tmp_path / "library.toml"
    recipe.write_text(f'{MEL}target = "content"\n')
    monkeypatch.setattr(pretrained, "is_fetched", lambda: False)
    monkeypatch.setattr(pretrained, "fetch", fetch)
    answer = call("-w", workspace, "run", recipe)
    assert answer.code == 1 and "no network" in answer.err
    assert not (workspace / "mels").exists()


def test_what_stands_needs_no_weights(workspace, monkeypatch):
    monkeypatch.setattr(pretrained, "is_fetched", lambda: False)
    answer = call("-w", workspace, "run")
    assert answer.code == 0, answer.err


def test_neighbours_are_evaluated(workspace):
    answer = call("-w", workspace, "evaluate", "--study", "neighbours")
    assert answer.code == 0, answer.err
    assert "same artist" in answer.out
    assert (workspace / "reports" / "study-neighbours.json").is_file()


@pytest.mark.parametrize("head", ["ridge", "mlp"])
def test_with_plays_a_head_learns(scanned, tmp_path, head):
    workspace = tmp_path / "workspace"
    shutil.copytree(scanned, workspace)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'{MEL}head = "{head}"\nhidden = 16\n{TRAIN}')
    answer = call("-w", workspace, "run", recipe)
    assert answer.code == 0, answer.err
    assert "vgg-msd" in answer.out
    assert similar(workspace, ids_of(workspace)[0], "--space", "content")
    again = call("-w", workspace, "run", "--json")
    assert not any(stage["worked"] for stage in json.loads(again.out))


def test_a_model_of_other_spectrograms_is_refused(workspace, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[mel]\nclip_seconds = 3.5\n[train]\ncrop_seconds = 3.0\n")
    assert call("-w", workspace, "mel", "--recipe", recipe).code == 0
    answer = call("-w", workspace, "embed", "--recipe", recipe)
    assert answer.code == 1
    assert "make both by one recipe: 'audiorec run" in answer.err and answer.err.count("\n") == 1
