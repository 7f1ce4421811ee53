"""The command ``tags``."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from audiorec.cli.tags import probe_lines
from audiorec.data.catalog import Catalog
from audiorec.models.encoders.pretrained import empty_pretrained
from audiorec.tagging import ProbeReport
from audiorec.workspace import Workspace

from ...loaded_modules import modules_loaded_by_command
from ..conftest import call
from ..helpers import failed, similar, snapshot


@pytest.fixture
def ignorant(monkeypatch):
    """A network of random weights in place of the published ones."""

    def load(name="musicnn"):
        torch.manual_seed(0)
        return empty_pretrained(name).eval()

    monkeypatch.setattr("audiorec.models.encoders.pretrained.load_pretrained", load)


def test_neighbours_of_a_file_from_outside_are_explained(tagged, world, ignorant):
    file = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    hits = similar(tagged, file, "-k", "20", "--why")
    own = json.loads(call("-w", tagged, "tags", file, "-k", "99", "--json").out)["tracks"][0]
    said = {tag["tag"] for tag in own["tags"]}
    assert all(set(hit["shared_tags"]) <= said for hit in hits)
    assert any("guitar" in hit["shared_tags"] for hit in hits) == ("guitar" in said)


def test_words_of_a_catalogued_track_are_read_without_torch(tagged, track):
    heavy = {"torch", "librosa", "lightning", "sklearn", "matplotlib", "implicit", "soundfile"}
    for question in (
        ["tags", track],
        ["tags", "--list"],
        ["similar", track, "--tag", "guitar", "--why"],
    ):
        assert not modules_loaded_by_command("-w", tagged, *question) & heavy
    assert not modules_loaded_by_command("tags", "--help") & {"torch", "librosa", "faiss", "numpy"}


def test_a_network_that_is_named_is_the_one_that_speaks(tagged, track):
    failed(call("-w", tagged, "tags", track, "--encoder", "nonsense"), "'nonsense'; take one of")
    stored = call("-w", tagged, "tags", track)
    assert call("-w", tagged, "tags", track, "--encoder", "musicnn").out == stored.out
    # Another one's words are not stored, nor passed off as its own: it would have to hear.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOREC_CACHE", str(tagged / "no-cache"))
        failed(call("-w", tagged, "tags", track, "--encoder", "vgg-mtt"), "not in the cache")


def test_tags_of_a_track(tagged, words, track):
    (one,) = json.loads(call("-w", tagged, "tags", track, "--json").out)["tracks"]
    assert one["track_id"] == track and one["query"] == track
    assert words[track] <= {tag["tag"] for tag in one["tags"]}
    confidence = [tag["confidence"] for tag in one["tags"]]
    assert confidence == sorted(confidence, reverse=True)
    assert {tag["source"] for tag in one["tags"]} == {"given", "musicnn-msd"}
    told = call("-w", tagged, "tags", track, "-k", "2").out
    assert "may contain: " in told and "(given), " in told
    none = call("-w", tagged, "tags", track, "--min-confidence", "1", "--json").out
    assert {tag["source"] for tag in json.loads(none)["tracks"][0]["tags"]} == {"given"}
    listed = json.loads(call("-w", tagged, "tags", "--list", "--json").out)
    assert {"tag": "guitar", "tracks": sum("guitar" in own for own in words.values())} in listed


def test_words_are_listed_with_their_tracks(tagged, words, tmp_path):
    n_guitars = sum("guitar" in own for own in words.values())
    assert f"{n_guitars:6}  guitar\n" in call("-w", tagged, "tags", "--list").out
    Workspace(tmp_path).create()
    with Catalog(tmp_path / "catalog.sqlite"):
        pass
    answer = call("-w", tmp_path, "tags", "--list")
    assert answer.out == "" and "no track has tags yet: run 'audiorec tags --all'" in answer.err


def test_what_a_probe_is_worth():
    report = ProbeReport(
        40, 12, 3, {"jazz": 20, "rock": 20}, accuracy=0.75, low=0.6, high=0.85, chance=0.5,
        shuffled=0.48, error_before=0.2, error_after=0.05, calibrated=True, reliability=[],
    )  # fmt: skip
    lines = probe_lines(report)
    assert lines[0] == "2 genres of 40 tracks by 12 artists; 3 tracks of rarer genres left out"
    assert "right about 75% [60%, 85%]" in lines[1] and "most frequent genre 50%" in lines[1]
    assert lines[2] == "calibration error 0.200 before calibration, 0.050 after"
    assert lines[3:] == []
    worse = probe_lines(report._replace(low=0.4, calibrated=False))
    assert worse[2].endswith("after: confidences are left as they are")
    assert worse[3] == "not clearly better than chance: none of its tags are stored"


def test_before_anything_was_heard(finished, track, outside):
    failed(
        call("-w", finished, "similar", track, "--tag", "guitar"), "no track has the tag 'guitar'"
    )
    answer = call("-w", finished, "similar", track, "--why")
    assert answer.code == 0 and "have no tags yet: run 'audiorec tags --all'" in answer.err
    answer = call("-w", finished, "similar", outside, "--why")
    assert answer.code == 0
    assert answer.out.count("both: no words in common") == answer.out.count("both: ") == 10
    failed(call("-w", finished, "tags"), "--all", code=2)
    failed(call("-w", finished, "tags", track, "--all"), "--all", code=2)


def test_the_whole_catalogue_is_heard_once(workspace, ignorant, track):
    answer = call("-w", workspace, "tags", "--all", "--json", "-j", "2")
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert report["heard"] > 30 and report["kept"] == report["failed"] == 0
    again = call("-w", workspace, "tags", "--all", "-j", "2")
    assert f"0 tagged, {report['heard']} kept, 0 failed" in again.out
    assert "probe" in again.out
    status = call("-w", workspace, "doctor")
    assert status.code == 0, status.out
    assert similar(workspace, track, "--why", "-k", "3")[0]["shared_tags"]


def test_a_file_from_outside_needs_no_workspace(world, ignorant, tmp_path):
    file = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    answer = call("-w", tmp_path / "none", "tags", file, "--json")
    assert answer.code == 0, answer.err
    (one,) = json.loads(answer.out)["tracks"]
    assert len(one["tags"]) == 8 and one["path"] == str(file)
    assert not (tmp_path / "none").exists()


def test_what_a_network_cannot_have_is_one_line_and_nothing_is_lost(
    workspace, tmp_path, monkeypatch, world
):
    monkeypatch.setenv("AUDIOREC_CACHE", str(tmp_path / "empty"))
    before = snapshot(workspace)
    fetch = "run 'audiorec pretrained fetch musicnn'"
    failed(call("-w", workspace, "tags", "--all"), "not in the cache", fetch)
    failed(call("-w", workspace, "tags", "t000001"), "not in the cache", fetch)
    failed(call("-w", workspace, "tags", "--all", "--encoder", "opnl3"), "'opnl3'; take one of")

    wheel = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK\3\4 another wheel")
    failed(call("pretrained", "fetch", "--wheel", wheel), "sha256", "nothing of it was used")
    assert not list((tmp_path / "empty").rglob(".part-*"))

    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("AUDIOREC_CACHE", str(blocked))
    failed(call("pretrained", "fetch", "--wheel", wheel), "cannot be written", "AUDIOREC_CACHE")
    assert snapshot(workspace) == before


def test_a_model_asked_to_hear_spectrograms_of_other_settings(workspace, recipe, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text() + "[mel]\nn_mels = 64\n")
    before = snapshot(workspace)
    assert call("-w", workspace, "mel", "--recipe", other).code == 0
    failed(call("-w", workspace, "embed"), "n_mels=64", "n_mels=128", "audiorec run")
    rooms = ("plays/", "factors/", "model/", "embeddings/", "index/")
    kept = [name for name in before if name.startswith(rooms)]
    after = snapshot(workspace)
    assert kept
    assert all(after[name] == before[name] for name in kept)


def test_clips_shorter_than_a_window_are_named(tmp_path, ignorant):
    import soundfile as sf

    music = tmp_path / "music"
    music.mkdir()
    rng = np.random.default_rng(0)
    for name, seconds in (("short", 2.0), ("long", 4.0)):
        sf.write(music / f"{name}.wav", rng.normal(0, 0.1, round(22050 * seconds)), 22050)
    workspace = tmp_path / "workspace"
    assert call("-w", workspace, "scan", music).code == 0
    answer = call("-w", workspace, "tags", "--all")
    assert answer.code == 0 and "1 tagged, 0 kept, 1 failed" in answer.out
    assert call("-w", workspace, "tags", "--all", "--strict").code == 1
    named = call("-w", workspace, "status", "--failures").out
    assert "short.wav lasts 2.0 s and musicnn-msd takes 3.0 s at once" in named
    failed(call("-w", workspace, "tags", music / "short.wav"), "short.wav lasts 2.0 s")
