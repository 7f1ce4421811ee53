"""A model comes back as it was, or with one clear line."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.exceptions import ArtifactError
from audiorec.factors import ArtistSmoothing
from audiorec.inference import embed
from audiorec.models import load_model, save_model
from audiorec.pipeline import diagnose
from audiorec.pipeline.status import artifact_state
from audiorec.workspace import Workspace

from .conftest import make_clips, make_model

KINDS = [
    {"encoder": "cnn"},
    {"encoder": "dieleman2014"},
    {"encoder": "shortchunk"},
    {"encoder": "vandenoord2013"},
    {"encoder": "spectrogram-statistics"},
    {"encoder": "spectrogram-statistics", "head": "mlp"},
    {"encoder": "musicnn"},
    {"encoder": "musicnn", "head": "mlp"},
    {"encoder": "vgg-msd", "target": "content"},
    {"encoder": "musicnn", "finetune": 1},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_round_trip(tmp_path, offline, kind):
    saved = replace(make_model(**kind), smoothing=ArtistSmoothing(2.5), warning="wary")
    if saved.config.frozen and saved.config.pretrained:
        saved.network.encoder = offline(kind["encoder"])
    save_model(tmp_path, saved, inputs={"mels": "1", "factors": "2"})
    loaded = load_model(tmp_path)
    told = ("config", "mel", "train", "n_outputs", "output_norm", "output_scale", "space")
    for name in (*told, "agreement", "smoothing", "warning"):
        assert getattr(loaded, name) == getattr(saved, name)
    clips = make_clips(190, 60, n_mels=saved.mel.n_mels)
    given, expected = (embed(m, [("x", clips)], device="cpu")["x"] for m in (loaded, saved))
    np.testing.assert_array_equal(given, expected)


def test_a_model_whose_encoder_had_another_name_is_loaded(tmp_path):
    saved = make_model("spectrogram-statistics")
    save_model(tmp_path, saved, inputs={})
    change_manifest(tmp_path, lambda parts: parts["config"]["model"].update(encoder="descriptors"))
    assert load_model(tmp_path).config == saved.config
    config = {name: getattr(saved, "config" if name == "model" else name).model_dump(mode="json")
              for name in ("mel", "model", "train")}  # fmt: skip
    assert artifacts.is_fresh(tmp_path, kind="model", inputs={}, config=config)


def test_weights_that_others_published_are_named_and_not_kept_again(tmp_path):
    manifest = save_model(tmp_path, make_model("musicnn"), inputs={})
    assert manifest.extra["package"].startswith("musicnn==0.1.0 sha256:f38a4890")
    (file,) = tmp_path.glob("weights*")
    assert set(load_file(file)) == {"mean", "std", "head.weight", "head.bias"}
    trained = save_model(tmp_path / "trained", make_model("musicnn", finetune=1), inputs={})
    (file,) = (tmp_path / "trained").glob("weights*")
    assert any(name.startswith("encoder.network.") for name in load_file(file))
    assert trained.extra["package"]
    assert save_model(tmp_path / "own", make_model("cnn"), inputs={}).extra["package"] == ""


def test_the_same_model_is_the_same_artifact(tmp_path):
    first, second = (
        save_model(tmp_path / name, make_model(), inputs={"mels": "1"}) for name in ("a", "b")
    )
    assert first.fingerprint == second.fingerprint


def change_manifest(directory, change):
    """Commit a model's files again with a manifest that says something else."""
    kept = artifacts.load_manifest(directory, kind="model")
    parts = {"config": dict(kept.config), "extra": dict(kept.extra)}
    change(parts)
    artifacts.commit(directory, kind="model", files=kept.files, inputs=kept.inputs, **parts)


def weights(directory):
    (file,) = directory.glob("weights*")
    return file


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        ("cut", "damaged"),
        ("flipped", r"is damaged \(its digest differs\); run 'audiorec train'"),
        ("gone", "missing|damaged|torn"),
        ("empty", "no model|not a|missing"),
    ],
)
def test_damaged_weights(tmp_path, damage, match):
    save_model(tmp_path / "model", make_model(), inputs={})
    file = weights(tmp_path / "model")
    if damage == "cut":
        os.truncate(file, file.stat().st_size - 9)
    elif damage == "flipped":
        content = bytearray(file.read_bytes())
        content[-5] ^= 255
        file.write_bytes(content)
    elif damage == "gone":
        file.unlink()
    else:
        (tmp_path / "model" / artifacts.MANIFEST).unlink()
    with pytest.raises(ArtifactError) as caught:
        load_model(tmp_path / "model")
    assert "\n" not in str(caught.value)
    assert "audiorec" in str(caught.value)


def put_weights(directory, tensors):
    """Other tensors in the place of a model's, with the digest that they have."""
    other = directory.with_name("other.safetensors")
    save_file(tensors, other)
    entry = artifacts.put_file(directory, "weights.safetensors", other)
    kept = artifacts.load_manifest(directory, kind="model")
    artifacts.commit(
        directory,
        kind="model",
        files={"weights.safetensors": entry},
        config=kept.config,
        inputs=kept.inputs,
        extra=kept.extra,
    )


def test_weights_of_another_network(tmp_path):
    directory = tmp_path / "model"
    save_model(directory, make_model(), inputs={})
    tensors = dict(make_model("dieleman2014").network.state_dict())
    put_weights(directory, tensors)
    with pytest.raises(ArtifactError, match="do not fit its shape; run 'audiorec train'"):
        load_model(directory)
    put_weights(directory, {"x": torch.zeros(2)})
    with pytest.raises(ArtifactError, match="not of this version .*; run 'audiorec train'"):
        load_model(directory)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["extra"].pop("n_outputs"),
        lambda m: m["config"]["model"].update(channels=-1),
        lambda m: m["config"]["model"].update(unheard_of=3),
        lambda m: m["extra"].update(smoothing={"k": -1}),
        lambda m: m["extra"].update(package="musicnn==9 sha256:0"),
    ],
)
def test_a_manifest_that_is_not_of_this_version(tmp_path, change):
    save_model(tmp_path, make_model(), inputs={})
    change_manifest(tmp_path, change)
    with pytest.raises(ArtifactError, match="not of this version") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_model(tmp_path):
    with pytest.raises(ArtifactError, match="or 'audiorec train' alone"):
        load_model(tmp_path)


def test_status_and_doctor_repeat_what_training_warned_of(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.create()
    save_model(workspace.model, make_model(), inputs={})
    assert "WARNING" not in artifact_state(workspace, "model")
    save_model(workspace.model, replace(make_model(), warning="all alike"), inputs={})
    assert artifact_state(workspace, "model").endswith("; WARNING: all alike")
    with Catalog(workspace.catalog):
        pass
    assert diagnose(workspace).notes == ["of the model: all alike"]
