"""A checkpoint comes back as it was, or with one clear line."""

import json
import os
import pickletools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec import artifacts
from audiorec.audio.config import MelConfig
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.models.checkpoint import Checkpoint, crop_frames, load_checkpoint, save_checkpoint
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.networks import build_network
from audiorec.models.predict import InputScale


def make(model=None, **changes):
    model = model or ModelConfig(architecture="small1d", channels=8, hidden=8)
    torch.manual_seed(3)
    weights = build_network(model, n_mels=16, n_outputs=5).state_dict()
    checkpoint = Checkpoint(
        weights=weights,
        model=model,
        mel=MelConfig(n_mels=16),
        train=TrainConfig(crop_seconds=2.0),
        scale=InputScale(np.linspace(-60, -20, 16, dtype="f4"), np.linspace(5, 9, 16, dtype="f4")),
        n_outputs=5,
        output_norm="unit",
        output_scale=1.2345678901234567,
        space="abc",
        agreement=0.4321,
    )
    return replace(checkpoint, **changes)


@settings(max_examples=8, deadline=None)
@given(
    architecture=st.sampled_from(["described", "small1d", "dieleman2014"]),
    channels=st.integers(4, 9),
    hidden=st.integers(4, 9),
)
def test_round_trip(tmp_path_factory, architecture, channels, hidden):
    directory = tmp_path_factory.mktemp("model")
    saved = make(
        ModelConfig(architecture=architecture, channels=channels, hidden=hidden, words=8, heads=2)
    )
    save_checkpoint(directory, saved, inputs={"mels": "1", "factors": "2"})
    loaded = load_checkpoint(directory)
    said = ("model", "mel", "train", "n_outputs", "output_norm", "output_scale", "space")
    for name in (*said, "agreement"):
        assert getattr(loaded, name) == getattr(saved, name)
    np.testing.assert_array_equal(loaded.scale.mean, saved.scale.mean)
    np.testing.assert_array_equal(loaded.scale.std, saved.scale.std)
    x = torch.randn(2, 16, 80)
    assert torch.equal(loaded.network()(x), saved.network()(x))
    assert loaded.window == round(2 * 22050 / 512)


@pytest.mark.parametrize("name", ["common", "shrinkage"])
def test_how_far_predictions_are_believed_is_kept(tmp_path, name):
    told = {"common": np.linspace(-1, 1, 5), "shrinkage": np.eye(5) / 2}[name].astype("f4")
    save_checkpoint(tmp_path / "with", make(**{name: told}), inputs={})
    np.testing.assert_array_equal(getattr(load_checkpoint(tmp_path / "with"), name), told)
    save_checkpoint(tmp_path / "without", make(), inputs={})
    assert getattr(load_checkpoint(tmp_path / "without"), name) is None


def test_the_same_checkpoint_is_the_same_artifact(tmp_path):
    first, second = (
        save_checkpoint(tmp_path / name, make(), inputs={"mels": "1"}) for name in ("a", "b")
    )
    assert first.fingerprint == second.fingerprint
    assert first.inputs == {"mels": "1"}


def test_no_pickle_on_disk(tmp_path):
    save_checkpoint(tmp_path, make(), inputs={})
    names = sorted(path.name.split(".")[-1] for path in tmp_path.iterdir())
    assert names == ["json", "safetensors"]
    for path in tmp_path.glob("*.safetensors"):
        with pytest.raises(ValueError):
            list(pickletools.genops(path.read_bytes()))


def test_the_global_random_state_is_left_alone():
    checkpoint = make()
    before = torch.get_rng_state()
    checkpoint.network()
    assert torch.equal(torch.get_rng_state(), before)


def test_missing(tmp_path):
    with pytest.raises(ArtifactError, match="there is no model in .*; run 'audiorec train' first"):
        load_checkpoint(tmp_path / "none")


def test_truncated(tmp_path):
    save_checkpoint(tmp_path, make(), inputs={})
    (weights,) = tmp_path.glob("*.safetensors")
    os.truncate(weights, weights.stat().st_size - 10)
    with pytest.raises(ArtifactError, match=r"has \d+ bytes and should have \d+; run 'audiorec tr"):
        load_checkpoint(tmp_path)


def test_a_flipped_byte(tmp_path):
    save_checkpoint(tmp_path, make(), inputs={})
    (weights,) = tmp_path.glob("*.safetensors")
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ArtifactError, match="digest differs.*run 'audiorec train'"):
        load_checkpoint(tmp_path)


def rewrite(directory, change):
    """Change a manifest and sign it anew, as another version of the program would write it."""
    path = directory / artifacts.MANIFEST
    body = json.loads(path.read_bytes())
    del body["fingerprint"]
    change(body)
    path.write_text(json.dumps({**body, "fingerprint": artifacts.fingerprint(body)}))


def test_a_network_from_before_it_could_be_musical(tmp_path):
    plain = ModelConfig(architecture="described", words=8, hidden=8, musical=False)
    saved = make(plain)
    save_checkpoint(tmp_path, saved, inputs={})
    rewrite(tmp_path, lambda body: body["config"]["model"].pop("musical"))
    x = torch.randn(2, 16, 80)
    assert torch.equal(load_checkpoint(tmp_path).network()(x), saved.network()(x))


def test_a_network_from_before_it_compared_tracks(tmp_path):
    plain = ModelConfig(architecture="described", words=8, hidden=8, landmarks=0)
    saved = make(plain)
    save_checkpoint(tmp_path, saved, inputs={})
    rewrite(tmp_path, lambda body: body["config"]["model"].pop("landmarks"))
    x = torch.randn(2, 16, 80)
    assert torch.equal(load_checkpoint(tmp_path).network()(x), saved.network()(x))


def test_a_newer_format(tmp_path):
    save_checkpoint(tmp_path, make(), inputs={})
    rewrite(tmp_path, lambda body: body.update(format_version=artifacts.FORMAT_VERSION + 1))
    with pytest.raises(ArtifactError, match="newer than .*; upgrade audiorec"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b["config"]["model"].update(architecture="later"), "architecture='later'"),
        (lambda b: b["config"]["train"].update(new=1), "unknown key new"),
        (lambda b: b["extra"].pop("output_scale"), "output_scale"),
        (lambda b: b["config"]["model"].update(hidden=9), "do not fit its shape"),
        (lambda b: b["config"]["mel"].update(n_mels=15), "do not fit its shape"),
    ],
)
def test_settings_that_this_version_does_not_know_or_that_do_not_fit(tmp_path, change, words):
    save_checkpoint(tmp_path, make(), inputs={})
    rewrite(tmp_path, change)
    with pytest.raises(ArtifactError, match=words) as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)
    assert "run 'audiorec train'" in str(caught.value)


def test_crops_as_long_as_the_clip_at_most_and_the_network_at_least():
    mel, model = MelConfig(), ModelConfig()
    assert crop_frames(mel, model, TrainConfig(crop_seconds=10)) == 431
    assert crop_frames(mel, model, TrainConfig(crop_seconds=30)) == mel.n_frames
    with pytest.raises(ParameterError, match="crop_seconds=31 must be at most clip_seconds=30"):
        crop_frames(mel, model, TrainConfig(crop_seconds=31))
    with pytest.raises(ParameterError, match=r"crop_seconds=0.01 .* lengthen it"):
        crop_frames(mel, model, TrainConfig(crop_seconds=0.01))
