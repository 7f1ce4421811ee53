"""Training learns what was planted, is quiet, and says in one line why it cannot go on."""

import logging
import os
import signal
import warnings

import numpy as np
import pytest
import torch

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.inference import embed_store
from audiorec.models.config import ModelConfig
from audiorec.models.losses import LOSSES
from audiorec.models.networks import ARCHITECTURES
from audiorec.training import train
from audiorec.training.pace import pick_precision

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")),
    pytest.param(
        "mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no MPS")
    ),
]


def cosine_to_truth(embeddings, targets):
    truth = unit_norm(targets.take(embeddings.ids).vectors)
    return float((unit_norm(embeddings.vectors) * truth).sum(axis=1).mean())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("architecture", "loss"),
    [(name, "cosine") for name in sorted(ARCHITECTURES)]
    + [("small1d", name) for name in sorted(LOSSES) if name != "cosine"],
)
def test_learns_the_planted_relation_for_new_artists(
    planted, world, fresh, architecture, loss, device
):
    settings = planted.arguments(loss=loss, max_epochs=15, device=device, learning_rate=3e-3)
    settings["model"] = ModelConfig(
        architecture=architecture, channels=16, words=16, heads=2, hidden=32, dropout=0.1
    )
    result = train(planted.store, planted.targets, **settings)
    predicted = embed_store(result.checkpoint, fresh.store, device=device)
    # The mean of the training targets, and any constant, has a cosine near 0 to these.
    assert cosine_to_truth(predicted, fresh.targets) > 0.8
    assert result.history[-1].train_loss < result.history[0].train_loss
    lengths = np.linalg.norm(predicted.vectors, axis=1)
    assert np.allclose(lengths, 1, atol=1e-5) == (LOSSES[loss].norm == "unit")
    assert result.checkpoint.output_norm == LOSSES[loss].norm


def test_the_weighted_error_needs_listening(world):
    settings = world.arguments(loss="wpe")
    del settings["listening"]
    with pytest.raises(ParameterError, match="loss='wpe' learns from plays and none are given"):
        train(world.store, world.targets, **settings)


def test_the_weighted_error_does_not_look_at_the_factors_themselves(world):
    """Predictions are as long as listening makes them, and targets scaled or not the same."""
    results = []
    for scaled in (True, False):
        settings = world.arguments(loss="wpe", max_epochs=2, unit_norm=scaled)
        results.append(train(world.store, world.targets, **settings).checkpoint)
    assert all(result.output_scale == 1.0 for result in results)
    for name, tensor in results[0].weights.items():
        assert torch.equal(results[1].weights[name], tensor)


def test_raw_targets_keep_their_scale(planted, world, fresh):
    settings = world.arguments(loss="mse", unit_norm=False, max_epochs=15, learning_rate=3e-3)
    result = train(planted.store, planted.targets, **settings)
    assert result.checkpoint.output_scale == 1.0
    predicted = embed_store(result.checkpoint, fresh.store).vectors
    error = np.square(predicted - fresh.targets.vectors).mean()
    assert error < 0.5 * np.square(fresh.targets.vectors).mean()


def test_what_the_checkpoint_says(world):
    result = train(world.store, world.targets, **world.arguments(max_epochs=1), space="taste")
    checkpoint = result.checkpoint
    norms = np.linalg.norm(world.targets.vectors, axis=1)
    lengths = np.linalg.norm(result.unseen.vectors, axis=1) * checkpoint.output_scale
    assert lengths.mean() == pytest.approx(norms.mean(), rel=0.1)
    assert (checkpoint.space, checkpoint.n_outputs) == ("taste", 4)
    assert checkpoint.mel == world.store.config
    other = train(world.store, world.targets, **world.arguments(max_epochs=1)).checkpoint
    assert len(other.space) == 32


@pytest.mark.parametrize("architecture", ["small1d", "described"])
def test_no_prediction_says_how_popular_a_track_is(world, architecture):
    model = world.model.model_copy(update={"architecture": architecture, "words": 4})
    kept = world.arguments(max_epochs=2, level_popularity=True) | {"model": model}
    result = train(world.store, world.targets, **kept)
    common = result.checkpoint.common
    learned = [i for i in world.targets.ids if i not in result.unseen]
    mean = world.targets.take(learned).vectors.mean(axis=0)
    cosine = common @ mean / np.linalg.norm(common) / np.linalg.norm(mean)
    if architecture == "small1d":  # the other's heads are each stopped by other artists
        assert abs(cosine) == pytest.approx(1, abs=1e-5)
    length = np.linalg.norm(common)
    for said in (result.unseen, embed_store(result.checkpoint, world.store)):
        np.testing.assert_allclose(said.vectors @ common / length, length, atol=1e-5)
    left = train(world.store, world.targets, **world.arguments(max_epochs=2) | {"model": model})
    assert left.checkpoint.common is None
    before = embed_store(left.checkpoint, world.store).vectors
    found = embed_store(result.checkpoint, world.store).vectors
    across = np.eye(4) - np.outer(common, common) / length**2
    np.testing.assert_allclose(found @ across, before @ across, atol=1e-5)


def test_directions_count_as_far_as_they_are_heard(world):
    listeners = np.random.default_rng(0).normal(size=(50, 4)) * [4, 3, 2, 1]
    settings = world.arguments(max_epochs=2, shrinkage=True)
    result = train(world.store, world.targets, **settings, listeners=listeners)
    left = train(world.store, world.targets, **settings)
    assert left.checkpoint.shrinkage is None
    shrinkage = result.checkpoint.shrinkage
    assert shrinkage.shape == (4, 4)
    for found, before in (
        (result.unseen, left.unseen),
        (embed_store(result.checkpoint, world.store), embed_store(left.checkpoint, world.store)),
    ):
        np.testing.assert_allclose(found.vectors, before.vectors @ shrinkage, atol=1e-5)
    wanted = np.linalg.norm(world.targets.vectors, axis=1).mean()
    lengths = [np.linalg.norm(r.unseen.vectors, axis=1).mean() for r in (left, result)]
    assert lengths[1] < 0.95 * lengths[0]
    for length, one in zip(lengths, (left, result), strict=True):
        assert length * one.checkpoint.output_scale == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize("loss", ["mse", "wpe"])
def test_lengths_that_are_learned_are_left_alone(world, loss):
    kept = world.arguments(loss=loss, max_epochs=1, level_popularity=True, shrinkage=True)
    listeners = np.random.default_rng(0).normal(size=(50, 4))
    checkpoint = train(world.store, world.targets, **kept, listeners=listeners).checkpoint
    assert checkpoint.common is None
    assert checkpoint.shrinkage is None


def test_the_checkpoint_says_how_far_to_trust_it(world):
    kept = world.arguments(max_epochs=6)
    result = train(world.store, world.targets, **kept)
    best = min(row.validation_loss for row in result.history)
    assert kept["config"].loss == "cosine"
    assert result.checkpoint.agreement == pytest.approx(1 - best, abs=1e-4)


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
    state, level = torch.get_rng_state(), logging.getLogger("lightning.pytorch").level
    handler = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(world.store, world.targets, **world.arguments(max_epochs=2))
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert torch.equal(torch.get_rng_state(), state)
    assert logging.getLogger("lightning.pytorch").level == level
    assert signal.getsignal(signal.SIGINT) is handler


def test_control_c_stays_control_c(world):
    def interrupt(*call):
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(world.store, world.targets, **world.arguments(), progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is handler


def test_told_to_terminate(world):
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        train(
            world.store,
            world.targets,
            **world.arguments(),
            progress=lambda *call: os.kill(os.getpid(), signal.SIGTERM),
        )
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is handler


def test_stops_early_and_returns_the_best(world):
    result = train(
        world.store,
        world.targets,
        **world.arguments(max_epochs=60, patience=2, learning_rate=0.05, ema_decay=0.0),
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


@pytest.mark.parametrize("loss", ["mse", "wpe"])
def test_a_loss_that_diverges_and_stays_finite(world, loss):
    wild = {"learning_rate": 10.0, "gradient_clip": 0.0, "ema_decay": 0.0, "mixup": 0.0}
    settings = world.arguments(loss=loss, max_epochs=4, **wild)
    settings["model"] = ModelConfig(architecture="dieleman2014", channels=16, hidden=32)
    with pytest.raises(TrainingError, match=r"diverged .*; lower learning_rate=10\.0") as caught:
        train(world.store, world.targets, **settings)
    assert "\n" not in str(caught.value)


def test_nan_factors_cannot_come_in(world):
    with pytest.raises(ParameterError, match="vector of 't000' holds NaN"):
        Embeddings(world.targets.ids, world.targets.vectors * np.nan)


def test_factors_of_zeros_train_all_the_same(world):
    vectors = world.targets.vectors.copy()
    vectors[:5] = 0
    result = train(
        world.store, Embeddings(world.targets.ids, vectors), **world.arguments(max_epochs=1)
    )
    assert np.isfinite(result.history[0].train_loss)


def test_crops_too_short_for_the_network(world):
    with pytest.raises(ParameterError, match=r"crop_seconds=0.1 gives 2 frames .* needs 16"):
        train(world.store, world.targets, **world.arguments(crop_seconds=0.1))


def test_a_device_that_is_not_there(world):
    if torch.cuda.is_available():
        pytest.skip("CUDA is there")
    with pytest.raises(ParameterError, match="device='cuda' is not on this machine"):
        train(world.store, world.targets, **world.arguments(device="cuda"))


def test_precision():
    assert pick_precision("auto", device=torch.device("cpu")) == "32-true"
    assert pick_precision("auto", device=torch.device("mps")) == "32-true"
    assert pick_precision("bf16-mixed", device=torch.device("cpu")) == "bf16-mixed"
    with pytest.raises(ParameterError, match="precision='16-mixed' needs CUDA"):
        pick_precision("16-mixed", device=torch.device("cpu"))


def test_mixed_precision_runs(world):
    result = train(
        world.store, world.targets, **world.arguments(max_epochs=1, precision="bf16-mixed")
    )
    assert np.isfinite(result.history[0].validation_loss)
    assert all(t.dtype in (torch.float32, torch.int64) for t in result.checkpoint.weights.values())
