"""What encoders take of the catalogue, whose files may be gone."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from audiorec.audio import MelConfig
from audiorec.data.catalog import Catalog, Track
from audiorec.evaluation.encoder_inputs import catalogue_inputs, no_pretrained
from audiorec.mel import MelStore
from audiorec.models import MUSICNN_MEL, pretrained
from audiorec.models.encoders.pretrained import empty_pretrained
from audiorec.pipeline import Recipe

from ..stored_mels import store_mels

RECIPE = Recipe(mel={"clip_seconds": 3.5, "n_mels": 8}, train={"crop_seconds": 2.0})


@pytest.fixture
def store(tmp_path) -> MelStore:
    """Spectrograms by the recipe of two files, and a network with random weights."""
    ids = ("a", "b")
    tone = 0.1 * np.sin(np.arange(5 * 16_000) / 8).astype(np.float32)
    for id_ in ids:
        soundfile.write(tmp_path / f"{id_}.wav", tone, 16_000)
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.upsert(Track(id_, str(tmp_path / f"{id_}.wav"), id_, "Song") for id_ in ids)
    mel = np.zeros((8, RECIPE.mel.frames(3.5)))
    store_mels(tmp_path / "mels", dict.fromkeys(ids, mel), config=RECIPE.mel)
    return MelStore(tmp_path / "mels")


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = empty_pretrained("vgg-msd").eval()
    monkeypatch.setattr(pretrained, "is_fetched", lambda: True)
    monkeypatch.setattr("audiorec.models.encoders.build.load_pretrained", lambda name: network)
    return catalogue_inputs(
        tmp_path / "catalog.sqlite", recipe=RECIPE, directory=tmp_path / "scores"
    )


def test_a_pretrained_encoder_has_spectrograms_of_its_own_made_from_the_files(inputs, store):
    found = inputs("vgg-msd", store)
    assert found.store.config == MelConfig(**{**RECIPE.mel.model_dump(), **MUSICNN_MEL})
    assert found.store.ids == found.features.ids == ("a", "b")
    assert found.missing(["a", "b"]) is None
    assert found.missing(["a", "b", "c"]) == "1 of 3 tracks have no spectrogram for it"
    own = inputs("cnn", store)
    assert own.store is store and own.features is None


def test_files_that_are_gone_are_counted_and_one_is_named(inputs, store, tmp_path):
    (tmp_path / "b.wav").unlink()
    gone = f"1 files are gone, {tmp_path / 'b.wav'} among them"
    assert inputs("vgg-msd", store).missing(["a"]) == gone


def test_weights_that_are_not_fetched_are_said_with_the_remedy(inputs, store, monkeypatch):
    monkeypatch.setattr(pretrained, "is_fetched", lambda: False)
    reason = inputs("vgg-msd", store).missing(["a"])
    assert "vgg-msd is not in the cache; " in reason and "audiorec pretrained" in reason


def test_without_a_workspace_fixed_features_are_computed_and_pretrained_ones_are_not(store):
    assert no_pretrained("musicnn", store).missing(["a"]) == (
        "no features of a pretrained encoder were given"
    )
    assert no_pretrained("cnn", store) == (store, None, "")
    assert no_pretrained("spectrogram-statistics", store).features.ids == ("a", "b")
