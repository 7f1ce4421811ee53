"""Single steps of the training loop: learning rate, clipping, weight decay, running mean."""

import numpy as np
import pytest
import torch

from audiorec.embeddings import Embeddings
from audiorec.training import train
from audiorec.training.loop import TrainingLoop


@pytest.fixture
def watch_steps(world, monkeypatch):
    """Train, and hand every step of the loop to a function of loop, arguments and step."""

    def run(watcher, *, targets=world.targets, **changes):
        step = TrainingLoop.step
        monkeypatch.setattr(
            TrainingLoop, "step", lambda self, *args, **how: watcher(self, step, *args, **how)
        )
        train(world.store, targets, **world.arguments(**changes))

    return run


def gradient_norm(loop):
    grads = [p.grad.flatten() for p in loop.towers.parameters() if p.grad is not None]
    return float(torch.linalg.vector_norm(torch.cat(grads)))


def test_the_learning_rate_rises_for_a_tenth_of_all_steps_and_falls_along_a_cosine(watch_steps):
    rates = []

    def watcher(loop, step, *args, **how):
        loss = step(loop, *args, **how)
        rates.append(loop.optimizer.param_groups[0]["lr"])
        return loss

    watch_steps(watcher, max_epochs=10, patience=10, learning_rate=0.02)
    n = len(rates)
    rise = round(n / 10)
    assert n >= 20
    np.testing.assert_allclose(rates[:rise], 0.02 * np.arange(1, rise + 1) / rise)
    along = np.arange(n - rise) / (n - rise)
    expected = 0.02 * (0.01 + 0.99 * (1 + np.cos(np.pi * along)) / 2)
    np.testing.assert_allclose(rates[rise:], expected, rtol=1e-6)


def test_long_gradients_are_clipped_to_norm_one(world, watch_steps):
    norms = []

    def watcher(loop, step, *args, **how):
        loss = step(loop, *args, **how)
        norms.append(gradient_norm(loop))
        return loss

    far = Embeddings(world.targets.ids, 1000 * world.targets.vectors)
    watch_steps(watcher, targets=far, max_epochs=1, loss="mse", unit_norm=False)
    np.testing.assert_allclose(norms, 1.0, rtol=1e-3)


def test_weights_decay_without_a_gradient(watch_steps):
    def watcher(loop, step, inputs, targets, **how):
        before = [p.detach().clone() for p in loop.towers.parameters()]
        loss = step(loop, inputs, targets, weight=0.0)
        kept = 1 - 0.01 * loop.optimizer.param_groups[0]["lr"]
        for old, new in zip(before, loop.towers.parameters(), strict=True):
            torch.testing.assert_close(new.detach(), kept * old, rtol=1e-6, atol=1e-9)
        return loss

    watch_steps(watcher, max_epochs=1, learning_rate=1.0)


def test_the_kept_weights_are_a_running_mean(watch_steps):
    def watcher(loop, step, *args, **how):
        before = [p.clone() for p in loop.average.parameters()]
        loss = step(loop, *args, **how)
        decay = min(0.99, (1 + loop.steps) / (10 + loop.steps))
        now = loop.towers.parameters()
        for old, new, mean in zip(before, now, loop.average.parameters(), strict=True):
            expected = decay * old + (1 - decay) * new.detach()
            torch.testing.assert_close(mean, expected, rtol=1e-4, atol=1e-6)
        return loss

    watch_steps(watcher, max_epochs=2)
