"""Training learns what was planted, is quiet, and says in one line why it cannot go on."""

import logging
import signal
import warnings

import numpy as np
import pytest
import torch

from audiorec.audio import MelConfig
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.inference import embed_store
from audiorec.models import (
    TRAINED_ENCODERS,
    ModelConfig,
    TrainConfig,
    compute_features,
    training_crop,
)
from audiorec.models.encoders.cnn import Cnn
from audiorec.training import train
from audiorec.training.losses import LOSSES

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(
            not torch.cuda.is_available(), reason="no CUDA device: run where there is an NVIDIA GPU"
        ),
    ),
    pytest.param(
        "mps",
        marks=pytest.mark.skipif(
            not torch.backends.mps.is_available(),
            reason="no MPS device: run on a Mac with Apple silicon",
        ),
    ),
]


def cosine_to_truth(embeddings, targets):
    truth = unit_norm(targets.take(embeddings.ids).vectors)
    return float((unit_norm(embeddings.vectors) * truth).sum(axis=1).mean())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("encoder", "head", "loss"),
    [(name, "auto", "cosine") for name in sorted((*TRAINED_ENCODERS, "spectrogram-statistics"))]
    + [
        ("cnn", "mlp", "mse"),
        ("cnn", "mlp", "contrastive"),
        ("spectrogram-statistics", "mlp", "cosine"),
    ],
)
def test_learns_the_planted_relation_for_new_artists(planted, fresh, encoder, head, loss, device):
    settings = planted.arguments(loss=loss, max_epochs=15, device=device, learning_rate=3e-3)
    settings["model"] = ModelConfig(encoder=encoder, head=head, channels=16, hidden=32, dropout=0.1)
    result = train(planted.store, planted.targets, **settings)
    predicted = embed_store(result.model, fresh.store, device=device)
    # The mean of the training targets, and any constant, has a cosine near 0 to these.
    assert cosine_to_truth(predicted, fresh.targets) > 0.8
    linear = encoder == "spectrogram-statistics" and head == "auto"
    assert bool(result.history) != linear
    if result.history:
        assert result.history[-1].train_loss < result.history[0].train_loss
    lengths = np.linalg.norm(predicted.vectors, axis=1)
    unit = linear or LOSSES[loss].norm == "unit"
    assert np.allclose(lengths, 1, atol=1e-5) == unit
    assert result.model.output_norm == ("unit" if unit else "raw")


def test_raw_targets_keep_their_scale(planted, world, fresh):
    settings = world.arguments(loss="mse", unit_norm=False, max_epochs=15, learning_rate=3e-3)
    for model in (world.model, ModelConfig(encoder="spectrogram-statistics")):
        result = train(planted.store, planted.targets, **settings | {"model": model})
        assert result.model.output_scale == 1.0
        predicted = embed_store(result.model, fresh.store).vectors
        error = np.square(predicted - fresh.targets.vectors).mean()
        assert error < 0.5 * np.square(fresh.targets.vectors).mean()


def test_what_the_model_says(world):
    result = train(world.store, world.targets, **world.arguments(max_epochs=1), space="taste")
    model = result.model
    norms = np.linalg.norm(world.targets.vectors, axis=1)
    lengths = np.linalg.norm(result.unseen.vectors, axis=1) * model.output_scale
    assert lengths.mean() == pytest.approx(norms.mean(), rel=0.1)
    assert (model.space, model.n_outputs) == ("taste", 4)
    assert model.mel == world.store.config
    other = train(world.store, world.targets, **world.arguments(max_epochs=1)).model
    assert len(other.space) == 32


def test_the_model_says_how_far_to_trust_it(world):
    kept = world.arguments(max_epochs=6)
    result = train(world.store, world.targets, **kept)
    best = min(row.validation_loss for row in result.history)
    assert kept["config"].loss == "cosine"
    assert result.model.agreement == pytest.approx(1 - best, abs=1e-4)


def test_features_that_are_given_are_not_computed_again(world, monkeypatch):
    features = compute_features(world.store, encoder="spectrogram-statistics")
    model = ModelConfig(encoder="spectrogram-statistics")
    settings = world.arguments() | {"model": model}
    expected = train(world.store, world.targets, **settings).model
    monkeypatch.setattr("audiorec.training.fit.compute_features", None)
    found = train(world.store, world.targets, **settings, features=features).model
    assert torch.equal(found.network.head.weight, expected.network.head.weight)
    given = embed_store(found, world.store, features=features)
    np.testing.assert_allclose(given.vectors, embed_store(found, world.store).vectors, atol=1e-5)


def test_unseen_are_predictions_that_did_not_learn_from_the_artist(world):
    """Of a ridge every track is left out once, and its prediction is worse than the one served."""
    settings = world.arguments() | {"model": ModelConfig(encoder="spectrogram-statistics")}
    result = train(world.store, world.targets, **settings)
    assert sorted(result.unseen.ids) == sorted(world.store.ids)
    served = cosine_to_truth(embed_store(result.model, world.store), world.targets)
    assert cosine_to_truth(result.unseen, world.targets) < served - 0.1


def test_tells_progress_with_loss_and_speed(world):
    calls = []
    train(
        world.store,
        world.targets,
        **world.arguments(max_epochs=2),
        progress=lambda *a: calls.append(a),
    )
    assert [call[:3] for call in calls] == [("train", 1, 2), ("train", 2, 2)]
    for *_, note in calls:
        words = note.split()
        assert words[::2] == ["loss", "val", words[4]]
        assert words[-1] == "clips/s"


def test_quiet_and_leaves_nothing_behind(world, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_NTASKS", "4")  # not orders for us
    import lightning.fabric  # noqa: F401 - sets its level once

    state, level = torch.get_rng_state(), logging.getLogger("lightning.fabric").level
    handler = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(world.store, world.targets, **world.arguments(max_epochs=2))
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert torch.equal(torch.get_rng_state(), state)
    assert logging.getLogger("lightning.fabric").level == level
    assert signal.getsignal(signal.SIGINT) is handler


def test_control_c_stays_control_c(world):
    def interrupt(*call):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(world.store, world.targets, **world.arguments(), progress=interrupt)


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_signals_keep_their_meaning(world, name):
    handlers = [signal.getsignal(name)]
    train(
        world.store,
        world.targets,
        **world.arguments(max_epochs=1),
        progress=lambda *call: handlers.append(signal.getsignal(name)),
    )
    assert set(handlers) == {signal.getsignal(name)} and len(handlers) == 2


def test_stops_early_and_returns_the_best(world, monkeypatch):
    monkeypatch.setattr("audiorec.training.loop.AVERAGE_DECAY", 0.0)
    result = train(
        world.store,
        world.targets,
        **world.arguments(max_epochs=60, patience=2, learning_rate=0.05),
    )
    losses = [row.validation_loss for row in result.history]
    assert len(losses) < 60
    assert losses.index(min(losses)) == len(losses) - 3
    assert [row.epoch for row in result.history] == list(range(1, len(losses) + 1))


def test_a_diverging_loss(world, tmp_path):
    huge = Embeddings(world.targets.ids, world.targets.vectors * np.float32(1e30))
    settings = world.arguments(loss="mse", unit_norm=False)
    with pytest.raises(TrainingError, match="diverged in epoch 1 .*lower learning_rate=") as caught:
        train(world.store, huge, **settings, work_directory=tmp_path / "work")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "work").exists()


def test_a_loss_that_diverges_and_stays_finite(world, monkeypatch):
    monkeypatch.setattr("audiorec.training.loop.AVERAGE_DECAY", 0.0)
    monkeypatch.setattr("audiorec.training.loop.LONGEST_GRADIENT", np.inf)
    settings = world.arguments(loss="mse", max_epochs=4, learning_rate=10.0, mixup=0.0)
    settings["model"] = ModelConfig(encoder="vandenoord2013", channels=16, hidden=32)
    with pytest.raises(TrainingError, match=r"diverged .*; lower learning_rate=10\.0") as caught:
        train(world.store, world.targets, **settings)
    assert "\n" not in str(caught.value)


def test_factors_of_zeros_train_all_the_same(world):
    vectors = world.targets.vectors.copy()
    vectors[:5] = 0
    result = train(
        world.store, Embeddings(world.targets.ids, vectors), **world.arguments(max_epochs=1)
    )
    assert np.isfinite(result.history[0].train_loss)


def test_crops_too_short_for_the_encoder(world):
    with pytest.raises(ParameterError, match=r"crop_seconds=0.1 gives 2 frames .* needs 16"):
        train(world.store, world.targets, **world.arguments(crop_seconds=0.1))


def test_crops_too_short_for_an_encoder_that_needs_more(monkeypatch):
    monkeypatch.setattr(Cnn, "min_frames", 256)
    before = torch.get_rng_state()
    with pytest.raises(ParameterError, match=r"gives 129 frames and cnn needs 256; lengthen it"):
        training_crop(ModelConfig(), mel=MelConfig(), train=TrainConfig(crop_seconds=3.0))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_device_that_is_not_there(world, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParameterError, match="device='cuda' is not on this machine"):
        train(world.store, world.targets, **world.arguments(device="cuda"))


def test_nothing_to_learn_from(world):
    elsewhere = Embeddings(["x"], np.ones((1, 4), dtype="f4"))
    settings = world.arguments() | {"model": ModelConfig(encoder="spectrogram-statistics")}
    with pytest.raises(ParameterError, match="no track has both sound and listening"):
        train(world.store, elsewhere, **settings)
