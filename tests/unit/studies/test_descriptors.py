"""Measured tempo and key beside those that are known."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from audiorec.audio.descriptors import CLIP
from audiorec.data.catalog import Catalog, Track
from audiorec.demo.styles import SCALES
from audiorec.exceptions import DataError, ParameterError
from audiorec.pipeline import Recipe
from audiorec.studies import StudyInputs, descriptors
from audiorec.studies.playlists import plan_of_world
from audiorec.workspace import Workspace


@pytest.mark.parametrize(
    ("measured", "known", "score"),
    [
        (0, 0, 1.0), (7, 0, 0.5), (5, 0, 0.0), (9 + 12, 0, 0.3), (0 + 12, 0, 0.2), (4, 0, 0.0),
        (0, 9 + 12, 0.3), (9, 9 + 12, 0.2), (4 + 12, 9 + 12, 0.5), (float("nan"), 0, 0.0),
    ],
)  # fmt: skip
def test_keys_score_as_mirex_weighs_them(measured, known, score):
    assert descriptors.key_score(measured, known) == score


def test_tempi_fit_within_four_percent_or_an_octave():
    assert descriptors.tempo_fits(124, 120) and not descriptors.tempo_fits(126, 120)
    assert descriptors.tempo_fits(61, 120, octaves=True) and not descriptors.tempo_fits(61, 120)
    assert not descriptors.tempo_fits(80, 120, octaves=True)


def test_librosa_and_ours_name_a_plain_chord():
    t = np.arange(22050 * 8) / 22050
    y = sum(np.sin(2 * np.pi * f * t) for f in (261.63, 329.63, 392.0)).astype(np.float32)
    assert descriptors.by_librosa(0.1 * y).key == descriptors.by_audiorec(0.1 * y).key == 0


def make_beats(plan):
    """The tonic chord of a plan's key, with a drum on each beat."""
    sr, seconds = CLIP.sr, CLIP.clip_seconds
    t = np.arange(round(sr * seconds)) / sr
    third = SCALES[plan.scale][2]
    notes = [(0, 0.2), (third, 0.1), (7, 0.1), (-12, 0.2)]  # semitones above C4, and level
    pitch = 2 * np.pi * 261.63 * 2 ** (plan.key / 12)
    y = sum(level * np.sin(pitch * 2 ** (n / 12) * t) for n, level in notes)
    drum = np.random.default_rng(0).normal(0, 1, sr // 20) * np.exp(-np.arange(sr // 20) / 200)
    for beat in np.arange(0, seconds - 0.1, 60 / plan.tempo):
        start = round(beat * sr)
        y[start : start + len(drum)] += 0.3 * drum
    return 0.5 * y.astype(np.float32)


@pytest.fixture
def study(tmp_path):
    """A made world of which nothing is in the catalogue yet."""
    (tmp_path / "world.json").write_text(json.dumps({"n_tracks": 100, "n_artists": 20, "seed": 3}))
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert([Track("other", "/m/other.mp3", "Somebody", "Else")])
    return StudyInputs(workspace, Recipe(), truth=tmp_path / "truth.npz")


def test_a_world_is_needed_and_must_be_in_the_catalogue(study):
    with pytest.raises(ParameterError, match="--truth"):
        descriptors.run(SimpleNamespace(truth=None))
    with pytest.raises(DataError, match="no catalogued track is of the demo world"):
        descriptors.run(study)


def test_a_chord_with_a_drum_is_measured_as_it_was_made(study, tmp_path):
    usual = {i: plan for i, plan in plan_of_world(study).items() if 95 < plan.tempo < 150}
    by_mode = {SCALES[plan.scale][2]: i for i, plan in usual.items()}
    assert set(by_mode) == {3, 4}  # one in minor, one in major
    with Catalog(study.workspace.catalog) as catalog:
        for id_ in by_mode.values():
            file = tmp_path / f"{id_}.wav"
            soundfile.write(file, make_beats(usual[id_]), CLIP.sr)
            catalog.upsert([Track(id_, str(file), "Artist", id_)])
    report = descriptors.run(study)
    ours, librosa = report.to_json()["rows"]
    assert (ours["measured by"], librosa["measured by"]) == ("audiorec", "librosa")
    assert ours["tempo within 4 %"] == ours["tempo within 4 % or an octave"] == 1
    assert ours["key exact"] == ours["key, MIREX weighted"] == 1
    assert ours["interval of the key"] == [1, 1]
    assert librosa["tempo within 4 % or an octave"] >= librosa["tempo within 4 %"]
    assert librosa["key, MIREX weighted"] >= librosa["key exact"]
    assert report.to_text().startswith("Tempo and key of 2 tracks against what they were comp")
