"""Losses and mixup against the sums that they stand for."""

import math

import numpy as np
import pytest
import torch

from audiorec.training.augmentation import mixup
from audiorec.training.losses import LOSSES, TEMPERATURE, contrastive, cosine, mse


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(6, 4, generator=generator) for _ in range(2)]


def test_by_hand(pair):
    p, t = (x.numpy().astype("f8") for x in pair)
    assert float(mse(*pair)) == pytest.approx(((p - t) ** 2).sum(1).mean(), rel=1e-5)
    unit_p, unit_t = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (p, t))
    assert float(cosine(*pair)) == pytest.approx(1 - (unit_p * unit_t).sum(1).mean(), rel=1e-5)
    scores = unit_p @ unit_t.T / TEMPERATURE
    rows = -np.log(np.exp(np.diag(scores)) / np.exp(scores).sum(1)).mean()
    columns = -np.log(np.exp(np.diag(scores)) / np.exp(scores).sum(0)).mean()
    assert float(contrastive(*pair)) == pytest.approx((rows + columns) / 2, rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_the_truth_is_best_and_length_counts_only_where_it_is_learned(pair, name):
    p, t = pair
    loss = LOSSES[name]
    assert loss.function(t, t) < loss.function(p, t)
    alike = torch.isclose(loss.function(3 * p, t), loss.function(p, t), rtol=1e-4)
    assert bool(alike) == (loss.norm == "unit")


def test_contrastive_tells_tracks_apart_and_mse_does_not():
    targets = torch.eye(4)
    same = torch.full((4, 4), 0.25)
    assert float(contrastive(same, targets)) == pytest.approx(math.log(4), rel=1e-4)
    assert float(contrastive(targets, targets)) < 0.01


def test_mixup_blends_sound_and_target_alike_and_keeps_the_larger_part():
    given = torch.arange(40.0).reshape(8, 1, 5) * torch.ones(8, 3, 1)
    targets = given[:, 0, :2].clone()
    torch.manual_seed(0)
    mixed, blended = mixup(given, targets, alpha=1.0)
    assert mixed.shape == given.shape
    torch.testing.assert_close(mixed[:, 0, :2], blended)
    assert not torch.equal(mixed, given)
    # Of eight examples 5 apart, the own one counts at least half.
    own = given[:, 0, 0]
    assert ((mixed[:, 0, 0] - own).abs() <= 0.5 * 35).all()
    torch.manual_seed(0)
    assert torch.equal(mixup(given, targets, alpha=1.0)[0], mixed)
