"""Whether what an explanation names carries the match, where that is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audiorec.audio import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, DataError
from audiorec.explain.occlusion import slots
from audiorec.models import (
    ContentModel,
    InputScale,
    ModelConfig,
    TrainConfig,
    build_network,
    save_model,
)
from audiorec.pipeline import Recipe
from audiorec.studies import StudyInputs, explanations
from audiorec.workspace import Workspace

from ..stored_mels import store_mels

MEL = MelConfig(sr=8000, n_fft=512, hop_length=400, n_mels=16, clip_seconds=4.0)
N = 24


def make_model():
    """A network that has learned nothing."""
    config = ModelConfig(encoder="cnn", channels=6, hidden=8)
    scale = InputScale(np.full(16, -60, np.float32), np.full(16, 10, np.float32))
    torch.manual_seed(3)
    network = build_network(config, mel=MEL, n_outputs=4, scale=scale, published=False).eval()
    train = TrainConfig(crop_seconds=1.5, device="cpu")
    return ContentModel(network, config, MEL, train, n_outputs=4, output_norm="unit", space="abc")


def make_study(path, *, n):
    """Noise, in which each track has one loud note of two bands and a tenth of the clip."""
    workspace = Workspace(path)
    workspace.create()
    ids = [f"t{row:02d}" for row in range(n)]
    rng = np.random.default_rng(0)
    mels = {}
    for row, id_ in enumerate(ids):
        mels[id_] = rng.normal(-60, 1, (16, MEL.frames(4.0)))
        time = slots(MEL.frames(4.0), 10)[row % 10]
        mels[id_][2 * (row % 8) : 2 * (row % 8) + 2, slice(*time)] += 50
    store_mels(workspace.mels, mels, config=MEL)
    Embeddings(ids, rng.normal(size=(n, 4))).save(workspace.embeddings)
    return StudyInputs(workspace, Recipe())


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("explanations") / "ws", n=N)
    save_model(study.workspace.model, make_model(), inputs={})
    return study


def test_the_one_note_of_a_track_costs_the_match_more_than_others(study, monkeypatch):
    monkeypatch.setattr(explanations, "N_PAIRS", 12)
    report = explanations.run(study)
    seconds, bands = report.to_json()["rows"]
    assert (seconds["hidden"], bands["hidden"]) == ("3 of 10 tenths", "2 of 8 bands")
    for row in (seconds, bands):
        low, high = row["difference"]
        assert 0 < low < row["those named"] - row["as many at random"] < high
        assert row["pairs in which more"] >= 0.75
    assert "What the cosine of 12 pairs of near tracks loses" in report.to_text()


def test_a_model_and_enough_tracks_are_needed(tmp_path):
    study = make_study(tmp_path / "ws", n=10)
    with pytest.raises(ArtifactError, match="model"):
        explanations.run(study)
    save_model(study.workspace.model, make_model(), inputs={})
    with pytest.raises(DataError, match="10 tracks have none that is near .* add music"):
        explanations.run(study)


def test_what_is_hidden_is_hidden():
    mel = np.arange(160, dtype=np.float32).reshape(16, 10)
    for what, axis in (("seconds", 1), ("bands", 0)):
        hidden = explanations._without(mel, what, [0, 2])
        every = slots(mel.shape[axis], 10 if what == "seconds" else 8)
        changed = np.flatnonzero((hidden != mel).any(axis=1 - axis))
        assert set(changed) <= {row for n in (0, 2) for row in range(*every[n])} and len(changed)
