from __future__ import annotations

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.musicnn import MEL
from audiorec.pretrained.heard import Heard
from audiorec.pretrained.transfer import fit_library, fit_transfer, load_transfer, save_transfer

MODEL = ModelConfig(encoder="musicnn")


@pytest.fixture
def world():
    """Taste that is linear in three of twenty features, and an artist for every five tracks."""
    rng = np.random.default_rng(0)
    ids = [f"t{n:03}" for n in range(200)]
    x = rng.standard_normal((200, 20)).astype("f4")
    y = x[:, :3] @ rng.standard_normal((3, 8)) + 0.1 * rng.standard_normal((200, 8))
    groups = {track_id: f"a{n // 5}" for n, track_id in enumerate(ids)}
    # Two windows on either side of the features: their mean tells, their spread does not.
    windows = {i: np.stack([row - 1, row + 1]) for i, row in zip(ids, x, strict=True)}
    heard = Heard("musicnn-msd", MEL, windows=windows, widths=(12, 8, 0))
    return heard, Embeddings(ids, y * 7), groups


def fitted(world, n=200, **changes):
    heard, targets, groups = world
    return fit_transfer(
        heard, targets.take(heard.ids[:n]), groups=groups, model=MODEL, train=TrainConfig(),
        **changes,
    )  # fmt: skip


def test_a_head_learns_directions(world):
    heard, targets, _ = world
    transfer = fitted(world, 150)
    found = transfer.place(heard, heard.ids[150:])
    assert found.ids == heard.ids[150:]
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    cosines = (found.vectors * unit_norm(targets.take(found.ids).vectors)).sum(1)
    assert cosines.mean() > 0.9
    assert transfer.agreement == pytest.approx(cosines.mean(), abs=0.05)
    norms = np.linalg.norm(targets.vectors[:150], axis=1)
    assert transfer.output_scale == pytest.approx(norms.mean(), rel=1e-6)


def test_agreement_is_that_of_artists_left_out(world):
    heard, targets, groups = world
    dealt = Embeddings(heard.ids, targets.vectors[np.random.default_rng(1).permutation(200)])
    assert fitted((heard, dealt, groups)).agreement < 0.2


def test_a_head_is_kept(world, tmp_path):
    heard = world[0]
    transfer = fitted(world, space="abc")
    manifest = save_transfer(tmp_path, transfer, inputs={"factors": "abc"})
    assert manifest.config["model"]["encoder"] == "musicnn"
    again = load_transfer(tmp_path)
    assert (again.place(heard).vectors == transfer.place(heard).vectors).all()
    assert again.model == MODEL and again.mel == MEL and again.space == "abc"
    assert (again.parts, again.agreement) == (transfer.parts, transfer.agreement)
    with pytest.raises(ArtifactError, match="there is no model"):
        load_transfer(tmp_path / "none")


def test_a_damaged_head_says_which_stage_to_run(world, tmp_path):
    save_transfer(tmp_path, fitted(world), inputs={})
    file = tmp_path / artifacts.load_manifest(tmp_path, kind="model").files["weights"].file
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ArtifactError, match="is damaged .* 'audiorec train'"):
        load_transfer(tmp_path)


def test_what_does_not_fit(world):
    heard, _, groups = world
    transfer = fitted(world)
    with pytest.raises(ParameterError, match="features of 3 numbers do not fit .* takes"):
        transfer.predict(Embeddings(["a"], np.ones((1, 3))))
    others = Embeddings(["x"], np.ones((1, 8)))
    with pytest.raises(ParameterError, match="no track has both sound and listening"):
        fit_transfer(heard, others, groups=groups, model=MODEL, train=TrainConfig())


def test_a_space_of_sound_is_kept(world, tmp_path):
    heard, _, groups = world
    model = ModelConfig(encoder="musicnn", target="sound")
    transfer = fit_library(
        heard, groups=groups, model=model, train=TrainConfig(), parts=("mean", "logits")
    )
    save_transfer(tmp_path, transfer, inputs={})
    again = load_transfer(tmp_path)
    assert again.n_outputs == transfer.n_outputs <= 20
    assert (again.place(heard).vectors == transfer.place(heard).vectors).all()
    assert again.head.summary() == transfer.head.summary()
