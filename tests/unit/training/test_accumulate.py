"""Several batches to a step come to the same as one large one."""

import pytest
import torch

from audiorec.models.config import ModelConfig
from audiorec.training import train


def run(world, **changes):
    # Nothing in which the examples of a batch bear on each other, and no chance but the seed's.
    model = ModelConfig(architecture="dieleman2014", channels=8, hidden=16, dropout=0.0)
    settings = {"mixup": 0.0, "max_epochs": 3, "loss": "mse", **changes}
    arguments = world.arguments(**settings) | {"model": model}
    return train(world.store, world.targets, **arguments)


def test_two_batches_to_a_step_are_one_of_twice_the_size(world):
    whole = run(world, batch_size=30)
    parts = run(world, batch_size=15, accumulate=2)
    for row, other in zip(parts.history, whole.history, strict=True):
        assert row.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert row.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
    for name, tensor in whole.checkpoint.weights.items():
        torch.testing.assert_close(parts.checkpoint.weights[name], tensor, atol=1e-4, rtol=1e-3)
    other = run(world, batch_size=15)
    assert other.history[-1].train_loss != pytest.approx(whole.history[-1].train_loss, rel=1e-3)


def test_more_batches_to_a_step_than_there_are_examples(world):
    assert len(run(world, batch_size=1, accumulate=1000, max_epochs=1).history) == 1
