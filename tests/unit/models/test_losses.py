"""The losses against twins in plain numpy, and by their known values."""

import numpy as np
import pytest
import torch

from audiorec.config import TrainConfig
from audiorec.models.losses import LOSSES, TEMPERATURE, contrastive, cosine, mse


def pair(n=6, d=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)).astype("f4"), rng.normal(size=(n, d)).astype("f4")


def slow_mse(x, y):
    return sum(
        sum((a - b) ** 2 for a, b in zip(p, t, strict=True)) for p, t in zip(x, y, strict=True)
    ) / len(x)


def slow_cosine(x, y):
    return np.mean(
        [1 - p @ t / np.linalg.norm(p) / np.linalg.norm(t) for p, t in zip(x, y, strict=True)]
    )


def slow_contrastive(x, y):
    total = 0.0
    for row, p in enumerate(x):
        scores = [p @ t / np.linalg.norm(p) / np.linalg.norm(t) / TEMPERATURE for t in y]
        total -= scores[row] - np.log(np.sum(np.exp(scores)))
    return total / len(x)


TWINS = {"mse": slow_mse, "cosine": slow_cosine, "contrastive": slow_contrastive}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_equal_their_twins(name):
    x, y = pair()
    loss = LOSSES[name].function(torch.from_numpy(x), torch.from_numpy(y))
    assert loss.shape == ()
    assert float(loss) == pytest.approx(float(TWINS[name](x, y)), rel=1e-5)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_can_be_configured(name):
    assert TrainConfig(loss=name).loss == name


def test_known_values():
    x = torch.eye(3)
    assert float(mse(x, x)) == 0
    assert float(mse(x, -x)) == pytest.approx(4)
    assert float(cosine(7 * x, x)) == pytest.approx(0, abs=1e-6)
    assert float(cosine(x, -x)) == pytest.approx(2)
    assert float(cosine(x, x.roll(1, 0))) == pytest.approx(1)
    assert float(contrastive(x, x)) < 1e-3 < float(contrastive(x, x.roll(1, 0)))


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_zero_prediction_has_a_finite_gradient(name):
    x = torch.zeros(4, 3, requires_grad=True)
    LOSSES[name].function(x, torch.randn(4, 3)).backward()
    assert x.grad.isfinite().all()
