"""Embeddings from a checkpoint: agreement, short clips, and mismatches named."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from audiorec.audio.config import MelConfig
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.inference import embed, embed_store
from audiorec.models.checkpoint import Checkpoint
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.networks import build_network
from audiorec.models.predict import InputScale

MEL = MelConfig(n_mels=8, clip_seconds=4.0)


@pytest.fixture(scope="module")
def checkpoint():
    model = ModelConfig(architecture="small1d", channels=8, hidden=8)
    torch.manual_seed(0)
    return Checkpoint(
        weights=build_network(model, n_mels=8, n_outputs=3).state_dict(),
        model=model,
        mel=MEL,
        train=TrainConfig(crop_seconds=1.0),
        scale=InputScale(np.full(8, -40, "f4"), np.full(8, 10, "f4")),
        n_outputs=3,
        output_norm="unit",
        output_scale=1.0,
        space="s",
    )


def clip(n_frames, seed=0):
    return np.random.default_rng(seed).normal(-40, 10, size=(8, n_frames)).astype("f2")


def test_one_and_many_agree_and_order_is_kept(checkpoint):
    mels = [(f"t{n}", [clip(30 + 7 * n, n)] * (1 + n % 2)) for n in range(9)]
    many = embed(checkpoint, iter(mels), batch_size=4)
    assert many.ids == tuple(i for i, _ in mels)
    for mel in mels:
        np.testing.assert_allclose(embed(checkpoint, [mel])[mel[0]], many[mel[0]], atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(many.vectors, axis=1), 1, atol=1e-6)
    assert many.vectors.dtype == np.float32


def test_a_short_clip_is_heard_as_if_repeated(checkpoint):
    short = clip(20)
    repeated = np.tile(short, 3)[:, : checkpoint.window]
    found = embed(checkpoint, [("short", [short]), ("repeated", [repeated])])
    np.testing.assert_allclose(found["short"], found["repeated"], atol=1e-6)


def test_half_precision_on_disk_changes_little(checkpoint):
    exact = np.random.default_rng(0).normal(-40, 10, size=(8, 90)).astype("f4")
    found = embed(checkpoint, [("exact", [exact]), ("stored", [exact.astype("f2")])])
    assert found["exact"] @ found["stored"] > 0.9999


def test_no_tracks(checkpoint):
    assert embed(checkpoint, []).vectors.shape == (0, 3)


def test_arguments_are_not_changed(checkpoint):
    mel = clip(50)
    before = mel.copy()
    embed(checkpoint, [("a", [mel])])
    np.testing.assert_array_equal(mel, before)


def test_progress(checkpoint):
    calls = []
    embed(
        checkpoint,
        [(str(n), [clip(40)]) for n in range(5)],
        batch_size=2,
        total=5,
        progress=lambda *a: calls.append(a),
    )
    assert calls == [("embed", 2, 5), ("embed", 4, 5), ("embed", 5, 5)]


@pytest.mark.parametrize(
    ("mels", "words"),
    [
        ([("a", [])], "'a' has no clip"),
        ([("a", [np.zeros((7, 50), "f2")])], r"'a' has shape \(7, 50\) .* \(8, n_frames\)"),
        ([("a", [np.zeros((8, 0), "f2")])], r"'a' has shape \(8, 0\)"),
        ([("a", [np.full((8, 50), np.nan, "f2")])], "'a' holds NaN"),
        ([("a", [np.zeros((8, 50))]), ("a", [np.zeros((8, 50))])], "'a' stands twice"),
    ],
)
def test_bad_input(checkpoint, mels, words):
    with pytest.raises(ParameterError, match=words) as caught:
        embed(checkpoint, mels)
    assert "\n" not in str(caught.value)


def store_of(config, **mels):
    return SimpleNamespace(config=config, ids=tuple(mels), mels=mels.__getitem__)


def test_store(checkpoint):
    store = store_of(MEL, a=[clip(60)], b=[clip(80, 1)])
    every = embed_store(checkpoint, store)
    assert every.ids == ("a", "b")
    some = embed_store(checkpoint, store, ids=["b"])
    assert some.ids == ("b",)
    np.testing.assert_allclose(some["b"], every["b"], atol=2e-6)


def test_mels_of_other_settings_are_refused(checkpoint):
    other = MelConfig(n_mels=8, clip_seconds=4.0, hop_length=256)
    with pytest.raises(
        ArtifactError,
        match="hop_length=256 and the model was trained on hop_length=512; make both",
    ):
        embed_store(checkpoint, store_of(other))
